/*
 * feed: all objects in one ring, from the oldest change to the newest, and among them a cursor for
 * each reader. What a cursor has passed is told; what comes after it is not. A:3 is object A, last
 * changed at revision 3; c is a cursor, and the ring's end is on the right:
 *
 *     1.  c  A:3  B:4  D:7      a new cursor stands before everything: its walk is the snapshot
 *     2.  A:3  c  B:4  D:7      it has passed A (feed_cursor_step); its reader is slow and waits
 *     3.  c  B:4  D:7  A:8      A changed: it has the next revision and moves to the end, where c
 *                               comes by once more, however often A changes until then
 *     4.  c  D:7  A:9  B':10    A again, at no cost; B was removed: a tombstone stays in the ring,
 *                               by which c learns that B went
 *     5.  D:7  A:9  B':10  c    c has walked to the end: its reader is told all that there is
 *     6.  D:7  A:9  c           every cursor has passed B': it is freed, and its slot is free
 *     7.  c  D:7  A:9           whoever must begin again is put back to the start (rewind)
 *
 * So a change costs the same whether nobody reads or a thousand do, and a slow reader costs nothing
 * but tombstones. These are bounded: beyond TOMBSTONE_LIMIT the oldest is freed all the same, and
 * each cursor that had not passed it is told that it fell behind. Were B' freed in 4, c would never
 * hear that B went: it has to begin again.
 *
 * Objects belong to the feed; each knows its kind (struct feed_class). An object's slot is its
 * number in arrays and bit sets, given to another when it is freed. Loop-only.
 */
#include "registry/feed.h"

#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdlib.h>

/* 10,000 VMs may go at once (a host is taken out) without a reset for anybody who reads at all. */
enum { TOMBSTONE_LIMIT = 16384 };

static void unhang(struct feed_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
}

static void hang_before(struct feed_node *place, struct feed_node *node)
{
    node->prev = place->prev;
    node->next = place;
    place->prev->next = node;
    place->prev = node;
}

void feed_init(struct feed *feed, uint64_t boot)
{
    *feed = (struct feed){.rev = boot << 32};
    feed->head.kind = FEED_HEAD;
    feed->head.prev = &feed->head;
    feed->head.next = &feed->head;
    feed->last_tombstone = &feed->first_tombstone;
    feed->tombstone_limit = TOMBSTONE_LIMIT;
}

void feed_done(struct feed *feed)
{
    assert(feed->cursors == NULL);
    struct feed_node *node = feed->head.next;
    while (node != &feed->head) {
        struct feed_node *next = node->next;
        struct feed_entry *entry = CONTAINER_OF(node, struct feed_entry, node);
        entry->class->free(entry);
        node = next;
    }
    free(feed->slots);
    free(feed->free_slots);
    *feed = (struct feed){0};
}

static uint32_t take_slot(struct feed *feed, struct feed_entry *entry)
{
    if (feed->free_slot_count > 0) {
        uint32_t slot = feed->free_slots[--feed->free_slot_count];
        feed->slots[slot] = entry;
        return slot;
    }
    if (feed->slot_count == feed->slot_room) {
        feed->slot_room = feed->slot_room == 0 ? 64 : feed->slot_room * 2;
        feed->slots = xrealloc(feed->slots, feed->slot_room * sizeof(struct feed_entry *));
    }
    feed->slots[feed->slot_count] = entry;
    return (uint32_t)feed->slot_count++;
}

static void give_slot_back(struct feed *feed, uint32_t slot)
{
    if (feed->free_slot_count == feed->free_slot_room) {
        feed->free_slot_room = feed->free_slot_room == 0 ? 64 : feed->free_slot_room * 2;
        feed->free_slots = xrealloc(feed->free_slots, feed->free_slot_room * sizeof(uint32_t));
    }
    feed->slots[slot] = NULL;
    feed->free_slots[feed->free_slot_count++] = slot;
}

void feed_add(struct feed *feed, struct feed_entry *entry, const struct feed_class *class)
{
    entry->node.kind = FEED_ENTRY;
    entry->class = class;
    entry->gone = false;
    entry->slot = take_slot(feed, entry);
    entry->born = ++feed->rev;
    entry->rev = entry->born;
    hang_before(&feed->head, &entry->node);
    feed->live++;
}

void feed_changed(struct feed *feed, struct feed_entry *entry)
{
    assert(!entry->gone);
    entry->rev = ++feed->rev;
    unhang(&entry->node);
    hang_before(&feed->head, &entry->node);
}

/* Drops the oldest tombstone. */
static void drop_tombstone(struct feed *feed)
{
    struct feed_entry *entry = feed->first_tombstone;
    feed->first_tombstone = entry->next_tombstone;
    if (feed->first_tombstone == NULL) {
        feed->last_tombstone = &feed->first_tombstone;
    }
    feed->tombstones--;
    unhang(&entry->node);
    give_slot_back(feed, entry->slot);
    entry->class->free(entry);
}

void feed_remove(struct feed *feed, struct feed_entry *entry)
{
    feed_changed(feed, entry);
    entry->gone = true;
    entry->next_tombstone = NULL;
    *feed->last_tombstone = entry;
    feed->last_tombstone = &entry->next_tombstone;
    feed->tombstones++;
    feed->live--;

    while (feed->tombstones > feed->tombstone_limit) {
        uint64_t rev = feed->first_tombstone->rev;
        for (struct feed_cursor *cursor = feed->cursors; cursor != NULL;
             cursor = cursor->next_cursor) {
            if (cursor->passed < rev) {
                cursor->fell_behind(cursor, feed->first_tombstone);
            }
        }
        drop_tombstone(feed);
    }
}

void feed_prune(struct feed *feed)
{
    if (feed->first_tombstone == NULL) {
        return;
    }
    uint64_t passed = UINT64_MAX;
    for (struct feed_cursor *cursor = feed->cursors; cursor != NULL; cursor = cursor->next_cursor) {
        passed = cursor->passed < passed ? cursor->passed : passed;
    }
    while (feed->first_tombstone != NULL && feed->first_tombstone->rev <= passed) {
        drop_tombstone(feed);
    }
}

void feed_cursor_add(struct feed *feed, struct feed_cursor *cursor)
{
    cursor->node.kind = FEED_CURSOR;
    cursor->passed = 0;
    hang_before(feed->head.next, &cursor->node);
    cursor->prev_cursor = NULL;
    cursor->next_cursor = feed->cursors;
    if (feed->cursors != NULL) {
        feed->cursors->prev_cursor = cursor;
    }
    feed->cursors = cursor;
}

void feed_cursor_remove(struct feed *feed, struct feed_cursor *cursor)
{
    unhang(&cursor->node);
    if (cursor->prev_cursor != NULL) {
        cursor->prev_cursor->next_cursor = cursor->next_cursor;
    } else {
        feed->cursors = cursor->next_cursor;
    }
    if (cursor->next_cursor != NULL) {
        cursor->next_cursor->prev_cursor = cursor->prev_cursor;
    }
}

void feed_cursor_rewind(struct feed *feed, struct feed_cursor *cursor)
{
    unhang(&cursor->node);
    hang_before(feed->head.next, &cursor->node);
    cursor->passed = 0;
}

struct feed_entry *feed_cursor_peek(const struct feed *feed, const struct feed_cursor *cursor)
{
    struct feed_node *node = cursor->node.next;
    while (node->kind == FEED_CURSOR) {
        node = node->next;
    }
    return node == &feed->head ? NULL : CONTAINER_OF(node, struct feed_entry, node);
}

struct feed_entry *feed_cursor_step(struct feed *feed, struct feed_cursor *cursor)
{
    struct feed_entry *entry = feed_cursor_peek(feed, cursor);
    if (entry != NULL) {
        unhang(&cursor->node);
        hang_before(entry->node.next, &cursor->node);
        cursor->passed = entry->rev;
    }
    return entry;
}
