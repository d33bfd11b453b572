/*
 * registry: all that is known of hosts, VMs, operations, sessions and quotas, in one feed (feed.c)
 * that owns them. Here it begins and ends; a file for each kind of object has what may happen to
 * one (hosts.c, vms.c, operations.c, sessions.c, quotas.c), find.c looks up, changes.c tells
 * readers. Loop-only.
 */
#include "registry/registry.h"

#include "memory.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <assert.h>
#include <stdlib.h>

static void free_entry(struct feed_entry *entry)
{
    if (entry->node.kind == FEED_VM) {
        vm_free(CONTAINER_OF(entry, struct vm, entry));
    } else if (entry->node.kind == FEED_OP) {
        registry_free_op(entry);
    } else if (entry->node.kind == FEED_SESSION) {
        registry_free_session(entry);
    } else if (entry->node.kind == FEED_QUOTA) {
        registry_free_quota(entry);
    } else {
        registry_free_host(entry);
    }
}

static void name_learned(void *owner, uid_t uid)
{
    struct registry *registry = owner;
    for (size_t slot = 0; slot < registry->feed.slot_count; slot++) {
        struct feed_entry *entry = registry->feed.slots[slot];
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_OP) {
            registry_name_op(registry, entry, uid);
        }
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_SESSION) {
            registry_name_session(registry, entry, uid);
        }
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_QUOTA) {
            registry_name_quota(registry, entry, uid);
        }
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_VM) {
            registry_name_vm(registry, entry, uid);
        }
    }
}

struct registry *registry_new(struct loop *loop, struct people *people, uint64_t boot)
{
    struct registry *registry = xcalloc(1, sizeof *registry);
    registry->loop = loop;
    registry->people = people;
    feed_init(&registry->feed, boot, free_entry);
    index_init(&registry->by_key);
    index_init(&registry->by_name);
    registry_init_quotas(registry);
    registry_init_readers(registry);
    people_on_name(people, name_learned, registry);
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
    index_done(&registry->by_key);
    index_done(&registry->by_name);
    free(registry->sorted);
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
