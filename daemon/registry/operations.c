/* operations.c: operations as the feed shows them. Loop-only. */
#include "contract/contract.h"
#include "memory.h"
#include "registry/access.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

struct registry_op *registry_add_op(struct registry *registry)
{
    struct registry_op *op = xcalloc(1, sizeof *op);
    fields_init(lodge_op_fields, &op->facts);
    op->owner = VM_NO_OWNER;
    feed_add(&registry->feed, &op->entry, FEED_OP);
    registry_something_changed(registry);
    return op;
}

void registry_op_changed(struct registry *registry, struct registry_op *op)
{
    feed_changed(&registry->feed, &op->entry);
    registry_something_changed(registry);
}

void registry_remove_op(struct registry *registry, struct registry_op *op)
{
    feed_remove(&registry->feed, &op->entry);
    registry_something_changed(registry);
}

void registry_free_op(struct feed_entry *entry)
{
    struct registry_op *op = CONTAINER_OF(entry, struct registry_op, entry);
    fields_clear(lodge_op_fields, &op->facts);
    free(op);
}

void registry_name_op(struct registry *registry, struct feed_entry *entry, uid_t uid)
{
    struct registry_op *op = CONTAINER_OF(entry, struct registry_op, entry);
    if (op->uid == uid && op->facts.user != NULL) {
        free(op->facts.user);
        op->facts.user = xstrdup(people_name(registry->people, uid));
        registry_op_changed(registry, op);
    }
}

/* The next of the feed's after that slot; NULL: none. */
static struct registry_op *next_op(struct registry *registry, size_t *slot)
{
    const struct feed *feed = &registry->feed;
    while (*slot < feed->slot_count) {
        struct feed_entry *entry = feed->slots[(*slot)++];
        if (entry != NULL && !entry->gone && entry->node.kind == FEED_OP) {
            return CONTAINER_OF(entry, struct registry_op, entry);
        }
    }
    return NULL;
}

struct registry_op *registry_find_op(struct registry *registry, int64_t id)
{
    struct registry_op *op;
    for (size_t slot = 0; (op = next_op(registry, &slot)) != NULL;) {
        if (op->facts.id == id) {
            return op;
        }
    }
    return NULL;
}

static bool is_op_at(const struct registry_op *op, const char *host, const char *uuid,
                     const char *kind)
{
    const struct lodge_op *facts = &op->facts;
    return facts->host != NULL && facts->kind != NULL && strcmp(facts->kind, kind) == 0 &&
           strcmp(facts->uuid, uuid) == 0 && strcmp(facts->host, host) == 0;
}

struct registry_op *registry_last_op(struct registry *registry, const char *host, const char *uuid,
                                     const char *kind)
{
    struct registry_op *last = NULL;
    struct registry_op *op;
    for (size_t slot = 0; (op = next_op(registry, &slot)) != NULL;) {
        if (is_op_at(op, host, uuid, kind) && (last == NULL || op->facts.id > last->facts.id)) {
            last = op;
        }
    }
    return last;
}

bool registry_op_is_visible(const struct registry_op *op, const struct viewer *viewer)
{
    return access_allows_of(viewer, op->uid, op->owner, ACCESS_SEE);
}
