/*
 * registry: all that is known of hosts, VMs, operations, sessions and quotas, in one feed (feed.c)
 * that owns them. Here it begins and ends; a file for each kind of object has what may happen to
 * one (hosts.c, vms.c, operations.c, sessions.c, quotas.c), find.c looks up, changes.c tells
 * readers. Loop-only.
 */
#include "registry/registry.h"

#include "memory.h"
#include "registry/registry_private.h"

#include <assert.h>
#include <stdlib.h>

static void on_name_learned(void *owner, uid_t uid)
{
    struct registry *registry = owner;
    struct feed_entry *entry;
    for (size_t slot = 0; (entry = registry_next_of(registry, LODGE_TOPIC_NONE, &slot)) != NULL;) {
        if (entry->class->name_learned != NULL) {
            entry->class->name_learned(registry, entry, uid);
        }
    }
}

struct registry *registry_new(struct loop *loop, struct people *people, uint64_t boot)
{
    struct registry *registry = xcalloc(1, sizeof *registry);
    registry->loop = loop;
    registry->people = people;
    feed_init(&registry->feed, boot);
    index_init(&registry->hosts_by_name);
    index_init(&registry->by_key);
    index_init(&registry->by_name);
    registry_init_quotas(registry);
    registry_init_readers(registry);
    people_on_name(people, on_name_learned, registry);
    return registry;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    assert(registry->readers == NULL);
    loop_later_cancel(registry->loop, &registry->tell);
    feed_done(&registry->feed);
    registry_done_quotas(registry);
    index_done(&registry->hosts_by_name);
    index_done(&registry->by_key);
    index_done(&registry->by_name);
    order_done(&registry->order);
    lodge_strings_clear(&registry->secrets);
    free(registry);
}

struct people *registry_people(struct registry *registry)
{
    return registry->people;
}

struct loop *registry_loop(struct registry *registry)
{
    return registry->loop;
}

struct feed *registry_feed(struct registry *registry)
{
    return &registry->feed;
}

uint64_t registry_sample_turn(const struct registry *registry)
{
    return registry->sample_turn;
}
