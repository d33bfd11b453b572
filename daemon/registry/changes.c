/*
 * changes: who is told that something changed. Readers are told once, at the end of the turn of the
 * loop in which anything did; then the feed's tombstones that all of them have passed are freed. A
 * reader takes itself out, also while it is told. They share READERS_MS of each turn. Loop-only.
 */
#include "registry/registry_private.h"

enum { READERS_MS = 5 };

void registry_something_changed(struct registry *registry)
{
    loop_later(registry->loop, &registry->tell);
}

static void tell_readers(void *owner)
{
    struct registry *registry = owner;
    struct registry_reader *next;
    for (struct registry_reader *reader = registry->readers; reader != NULL; reader = next) {
        next = reader->next; /* a reader may go while it is told */
        reader->changed(reader);
    }
    feed_prune(&registry->feed);
}

void registry_add_entry(struct registry *registry, struct feed_entry *entry,
                        const struct feed_class *class)
{
    feed_add(&registry->feed, entry, class);
    registry_something_changed(registry);
}

void registry_entry_changed(struct registry *registry, struct feed_entry *entry)
{
    feed_changed(&registry->feed, entry);
    registry_something_changed(registry);
}

void registry_remove_entry(struct registry *registry, struct feed_entry *entry)
{
    feed_remove(&registry->feed, entry);
    registry_something_changed(registry);
}

void registry_init_readers(struct registry *registry)
{
    registry->tell.run = tell_readers;
    registry->tell.owner = registry;
}

void registry_people_changed(struct registry *registry)
{
    struct registry_reader *next;
    for (struct registry_reader *reader = registry->readers; reader != NULL; reader = next) {
        next = reader->next;
        reader->people_changed(reader);
    }
}

bool registry_turn_is_over(struct registry *registry)
{
    uint64_t now = loop_monotonic_ms();
    uint64_t turn = loop_turn_number(registry->loop);
    if (registry->turn != turn || registry->turn_ends == 0) {
        registry->turn = turn;
        registry->turn_ends = now + READERS_MS;
    }
    return now >= registry->turn_ends;
}

void registry_add_reader(struct registry *registry, struct registry_reader *reader)
{
    reader->next = registry->readers;
    registry->readers = reader;
}

void registry_remove_reader(struct registry *registry, struct registry_reader *reader)
{
    struct registry_reader **place = &registry->readers;
    while (*place != NULL && *place != reader) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = reader->next;
    }
}
