/*
 * guards: a list of undone creations, each with the plan that is to be undone again. A call
 * outlives its caller: libvirtd may run a define that was queued when lodged was killed, long after
 * the undo has looked and found nothing. So one is kept as long as its row is (design: "A call
 * outlives kill -9"). Loop-only.
 */
#include "ops/guards.h"

#include "memory.h"
#include "scope.h"

#include <stdio.h>
#include <string.h>

/* A volume tells nobody that it has come, as a domain does: what ended lately is looked at again,
 * so often and (by upkeep) so far apart. A call that libvirtd had queued has been made by then. */
enum { LOOKS = 4, LATELY_MS = 10 * 60 * 1000 };

static struct guard *add_guard(struct ops *ops, const struct recipe *recipe, int64_t id,
                               const char *host, const char *uuid, const char *journal)
{
    struct guard *guard = xcalloc(1, sizeof *guard);
    guard->recipe = recipe;
    guard->op = id;
    guard->host = xstrdup(host);
    snprintf(guard->uuid, sizeof guard->uuid, "%s", uuid);
    guard->journal = xstrdup(journal);
    guard->next = ops->guards;
    ops->guards = guard;
    ops->guards_grew = true;
    return guard;
}

void guards_recall(struct ops *ops, const struct op_row *row)
{
    const struct recipe *recipe = ops_recipe(ops, row->kind);
    struct guard *guard = add_guard(ops, recipe, row->id, row->host, row->uuid, row->journal);
    guard->looks = loop_wall_ms() - row->ended_ms < LATELY_MS ? LOOKS : 0;
}

static struct guard *find_guard(const struct ops *ops, int64_t op)
{
    struct guard *guard = ops->guards;
    while (guard != NULL && guard->op != op) {
        guard = guard->next;
    }
    return guard;
}

bool guards_have(const struct ops *ops, int64_t op)
{
    const struct guard *guard = find_guard(ops, op);
    return guard != NULL && !guard->foreign;
}

void guards_end_all(struct ops *ops)
{
    for (struct guard *guard = ops->guards; guard != NULL; guard = guard->next) {
        guard->foreign = true;
    }
}

/* As its row is, in the transaction. */
static void end_guards_of(struct ops *ops, const struct op *adopted)
{
    for (struct guard *guard = ops->guards; guard != NULL; guard = guard->next) {
        guard->foreign |=
            strcmp(guard->uuid, adopted->uuid) == 0 && strcmp(guard->host, adopted->host_name) == 0;
    }
}

void guards_note_end(struct op *op)
{
    if (op->recipe->begins == VM_ADOPT && op->failure.kind == LODGE_ERROR_NONE) {
        end_guards_of(op->ops, op);
    }
    bool undone = op->recipe->undoes && !op->committed && !op->known && op->id > 0 &&
                  !op->is_untouched && !op->is_given_up;
    if (op->is_debris) {
        find_guard(op->ops, op->id)->foreign |= op->plan.foreign || op->plan.alive;
    } else if (undone && !op->plan.foreign && !op->plan.alive) {
        AUTO(free) char *journal = plan_to_json(&op->plan);
        add_guard(op->ops, op->recipe, op->id, op->host_name, op->uuid, journal)->looks = LOOKS;
    }
}
