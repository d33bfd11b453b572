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

#include "lodge/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum feed_kind { FEED_HEAD, FEED_CURSOR, FEED_ENTRY };

struct feed_node {
    struct feed_node *prev;
    struct feed_node *next;
    enum feed_kind kind;
};

struct buffer;
struct feed_class;
struct query;
struct registry;
struct render_choice;
struct viewer;

/* What objects begin with. */
struct feed_entry {
    struct feed_node node; /* in feed.head */
    const struct feed_class *class;
    uint64_t rev;  /* of its last change */
    uint64_t born; /* the revision it came with */
    uint32_t slot; /* its bit in the set of what a subscriber holds */
    bool gone;     /* a tombstone */
    struct feed_entry *next_tombstone;
    uint64_t sampled_turn; /* registry.sample_turn of its last sample; 0: none */
};

/* For whom an object is rendered. */
struct feed_view {
    struct registry *registry;
    const struct viewer *viewer;
    const struct render_choice *choice; /* of a VM's members */
};

/* A kind of object: one row in the file that has it, and nobody else tells kinds apart. The feed
 * itself asks for `free` alone. */
struct feed_class {
    enum lodge_topic topic; /* of its events, and the name of the member that it is there */

    /* A tombstone that nobody needs any more, or all that is left. */
    void (*free)(struct feed_entry *entry);

    /* What this user is called has become known: what shows it has changed. NULL: it shows none. */
    void (*name_learned)(struct registry *registry, struct feed_entry *entry, uid_t uid);

    bool (*is_visible)(struct feed_entry *entry, const struct viewer *viewer);
    bool (*matches)(struct feed_entry *entry, const struct query *query); /* NULL: always */

    /* {…}: the whole of it, and what is left of one that is removed. */
    void (*render)(struct buffer *buffer, struct feed_entry *entry, const struct feed_view *view);
    void (*render_key)(struct buffer *buffer, struct feed_entry *entry,
                       const struct feed_view *view);
    void (*render_sample)(struct buffer *buffer, struct feed_entry *entry); /* NULL: it has none */
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
};

/* `boot` makes revisions of different starts differ: the first is boot * 2^32 + 1. */
void feed_init(struct feed *feed, uint64_t boot);

/* Frees every entry, live ones too. No cursor may be left. */
void feed_done(struct feed *feed);

void feed_add(struct feed *feed, struct feed_entry *entry, const struct feed_class *class);
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
