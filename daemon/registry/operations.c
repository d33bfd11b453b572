/* operations.c: operations as the feed shows them. Loop-only. */
#include "contract/contract.h"
#include "memory.h"
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

bool registry_op_is_visible(const struct registry_op *op, const struct viewer *viewer)
{
    return viewer_sees(viewer, op->uid, op->owner);
}
