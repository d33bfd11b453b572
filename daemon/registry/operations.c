/*
 * operations: operations as the feed shows them, one kind of its objects. Who makes one (ops/op.c)
 * fills its facts and says when they have changed; the registry owns it. Loop-only.
 */
#include "contract/contract.h"
#include "memory.h"
#include "registry/access.h"
#include "registry/registry_private.h"
#include "registry/render.h"
#include "scope.h"

#include <stdlib.h>

static struct registry_op *op_in(struct feed_entry *entry)
{
    return CONTAINER_OF(entry, struct registry_op, entry);
}

static void op_entry_free(struct feed_entry *entry)
{
    fields_clear(lodge_op_fields, &op_in(entry)->facts);
    free(op_in(entry));
}

static void op_name_learned(struct registry *registry, struct feed_entry *entry, uid_t uid)
{
    struct registry_op *op = op_in(entry);
    if (op->uid == uid && op->facts.user != NULL) {
        people_write_name(registry->people, uid, &op->facts.user);
        registry_entry_changed(registry, entry);
    }
}

bool registry_op_is_visible(const struct registry_op *op, const struct viewer *viewer)
{
    return access_allows_of(viewer, op->uid, op->owner, ACCESS_SEE);
}

static bool op_is_visible(struct feed_entry *entry, const struct viewer *viewer)
{
    return registry_op_is_visible(op_in(entry), viewer);
}

static void op_render(struct buffer *buffer, struct feed_entry *entry, const struct feed_view *view)
{
    render_op(buffer, view->registry, &op_in(entry)->facts, view->viewer);
}

static void op_render_key(struct buffer *buffer, struct feed_entry *entry,
                          const struct feed_view *view)
{
    (void)view;
    render_op_key(buffer, op_in(entry));
}

static const struct feed_class op_class = {
    .topic = LODGE_TOPIC_OP,
    .free = op_entry_free,
    .name_learned = op_name_learned,
    .is_visible = op_is_visible,
    .render = op_render,
    .render_key = op_render_key,
};

struct registry_op *registry_add_op(struct registry *registry)
{
    struct registry_op *op = xcalloc(1, sizeof *op);
    fields_init(lodge_op_fields, &op->facts);
    op->owner = VM_NO_OWNER;
    registry_add_entry(registry, &op->entry, &op_class);
    return op;
}

void registry_op_changed(struct registry *registry, struct registry_op *op)
{
    registry_entry_changed(registry, &op->entry);
}

void registry_remove_op(struct registry *registry, struct registry_op *op)
{
    registry_remove_entry(registry, &op->entry);
}
