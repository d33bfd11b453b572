/*
 * feed: all objects in the order of their last change, and the cursors that walk along it.
 *
 * A change gives its object the next revision and moves it to the tail; a removal leaves a
 * tombstone there. A subscriber is a node of the same list: everything behind it it has been told,
 * everything before it, it has not. So snapshot, changes, merging and slow readers are one walk,
 * and a change costs no memory per subscriber. Loop-only.
 */
#ifndef REGISTRY_FEED_H
#define REGISTRY_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum feed_kind { FEED_HEAD, FEED_CURSOR, FEED_VM, FEED_HOST, FEED_OP, FEED_SESSION, FEED_QUOTA };

struct feed_node {
    struct feed_node *prev;
    struct feed_node *next;
    enum feed_kind kind;
};

/* What objects begin with. */
struct feed_entry {
    struct feed_node node; /* in feed.head */
    uint64_t rev;          /* of its last change */
    uint64_t born;         /* the revision it came with */
    uint32_t slot;         /* its bit in the set of what a subscriber holds */
    bool gone;             /* a tombstone */
    struct feed_entry *next_tombstone;
};

struct feed_cursor {
    struct feed_node node; /* in feed.head */
    uint64_t passed;       /* the revision of the last entry it went by */
    struct feed_cursor *prev_cursor;
    struct feed_cursor *next_cursor;
    /* `lost`, a tombstone that it had not passed, is dropped, and its slot may be used again. */
    void (*fell_behind)(struct feed_cursor *cursor, const struct feed_entry *lost);
};

struct feed {
    struct feed_node head;
    uint64_t rev;
    size_t live; /* entries that are no tombstones */
    struct feed_entry *first_tombstone;
    struct feed_entry **last_tombstone;
    size_t tombstones;
    size_t tombstone_limit;
    struct feed_cursor *cursors;
    struct feed_entry **slots; /* by slot; NULL is free */
    size_t slot_count;         /* slots in use so far, free ones among them */
    size_t slot_room;
    uint32_t *free_slots;
    size_t free_slot_count;
    size_t free_slot_room;
    void (*free_entry)(struct feed_entry *entry); /* a tombstone that nobody needs any more */
};

/* `boot` makes revisions of different starts differ: the first is boot * 2^32 + 1. */
void feed_init(struct feed *feed, uint64_t boot, void (*free_entry)(struct feed_entry *entry));

/* Frees every entry, live ones too. No cursor may be left. */
void feed_done(struct feed *feed);

void feed_add(struct feed *feed, struct feed_entry *entry, enum feed_kind kind);
void feed_changed(struct feed *feed, struct feed_entry *entry);

/* Makes a tombstone of it. It is freed once every cursor has passed it; or when there are too many,
 * and cursors that had not passed it are told that they fell behind. */
void feed_remove(struct feed *feed, struct feed_entry *entry);

/* A new cursor stands before everything. */
void feed_cursor_add(struct feed *feed, struct feed_cursor *cursor);
void feed_cursor_remove(struct feed *feed, struct feed_cursor *cursor);
void feed_cursor_rewind(struct feed *feed, struct feed_cursor *cursor);

/* The next entry that the cursor has not passed, NULL at the end; stepping passes it. */
struct feed_entry *feed_cursor_peek(const struct feed *feed, const struct feed_cursor *cursor);
struct feed_entry *feed_cursor_step(struct feed *feed, struct feed_cursor *cursor);

/* Frees the tombstones that every cursor has passed. After walks. */
void feed_prune(struct feed *feed);

#endif
