/*
 * recover.c: what a kill has left is taken up again, and what turns up of an undone creation is
 * undone again (guards.h). Loop-only.
 */
#include "log.h"
#include "memory.h"
#include "ops/guards.h"
#include "ops/op.h"
#include "ops/rate.h"
#include "ops/recipes.h"
#include "scope.h"
#include "store/recall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ssize_t step_called(const struct recipe *recipe, const char *name)
{
    for (size_t i = 0; i < recipe->count; i++) {
        if (strcmp(recipe->steps[i].name, name) == 0) {
            return (ssize_t)i;
        }
    }
    return -1;
}

static void fail_recovered(struct op *op, enum lodge_error_kind kind, const char *message)
{
    op->failure = (struct lodge_error){0};
    (void)lodge_fail(&op->failure, kind, "%s", message);
}

/* Where it goes on from: a creation before its commit back, all else forward. */
static void resume_from(struct op *op, const struct op_row *row)
{
    op->undoing = row->state == LODGE_OP_UNDOING;
    op->committed = row->committed;
    op->noted = true;
    op->may_have_run = true;
    if (row->restored) {
        op_leave_alone(op);
    } else if (op->undoing) {
        enum lodge_error_kind kind = (enum lodge_error_kind)op->plan.error_kind;
        fail_recovered(
            op, kind > LODGE_ERROR_NONE && kind < LODGE_ERROR_KINDS ? kind : LODGE_ERROR_CANCELLED,
            op->plan.error == NULL ? "it was being undone" : op->plan.error);
        op->was_cancelled = op->failure.kind == LODGE_ERROR_CANCELLED;
    } else if (op->recipe->undoes && !op->committed) {
        fail_recovered(op, LODGE_ERROR_CANCELLED,
                       "lodged ended in the middle of it, so it was undone");
        op_turn_back(op);
    } else if (op->recipe->steps[op->at].commits && op->committed) {
        op->at++;
        op->noted = false;
    }
}

static void take_up(struct ops *ops, const struct op_row *row)
{
    struct lodge_error err = {0};
    const struct recipe *recipe = ops_recipe(ops, row->kind);
    ssize_t at = recipe == NULL ? -1 : step_called(recipe, row->step);
    if (at < 0) {
        log_error(LOG_OPS, "operation %lld (%s, step %s) is of a newer lodged: it is left as it is",
                  (long long)row->id, row->kind, row->step);
        return;
    }
    struct op *op = ops_add(ops, recipe, row->host, row->uuid);
    if (!plan_from_json(row->journal, &op->plan, &err)) {
        log_error(LOG_OPS, "the journal of operation %lld cannot be read: %s", (long long)row->id,
                  err.message);
        op_free(op);
        return;
    }
    op->id = row->id;
    op->uid = row->uid;
    op->is_admin = true;
    op->at = at;
    op->begun = true;
    op->recovered = true;
    op->phase = OP_NEEDS_HOST; /* which is looked at before it goes on */
    atomic_store(&op->showing, (int)at);
    resume_from(op, row);
    log_info(LOG_OPS, "operation %lld (%s of '%s') is taken up at step %s", (long long)row->id,
             row->kind, row->vm_name, row->step);
    op_show_recovered(op, row->started_ms);
}

void ops_recover(struct ops *ops, const struct recall *recall)
{
    ops_note_last(ops, recall->last_op);
    for (size_t i = 0; i < recall->begun_count; i++) {
        rate_add(ops->rate, recall->begun[i].uid, loop_wall_ms() - recall->begun[i].started_ms);
    }
    for (size_t i = 0; i < recall->unfinished_count; i++) {
        take_up(ops, &recall->unfinished[i]);
    }
    for (size_t i = 0; i < recall->guarded_count; i++) {
        guards_recall(ops, &recall->guarded[i]);
    }
    ops_meet_hosts(ops);
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        if (op->recovered && !op->out && op->phase == OP_NEEDS_HOST) {
            op_start(op);
        }
    }
}

static void undo_again(struct ops *ops, struct guard *guard)
{
    struct lodge_error err = {0};
    struct op *op = ops_add(ops, guard->recipe, guard->host, guard->uuid);
    if (!plan_from_json(guard->journal, &op->plan, &err)) {
        log_error(LOG_OPS, "the journal of operation %lld cannot be read: %s", (long long)guard->op,
                  err.message);
        guard->foreign = true;
        op_free(op);
        return;
    }
    disks_forget_kept(&op->plan); /* by a domain that came late, and goes now */
    op->id = guard->op;
    op->is_debris = true;
    op->begun = true;
    op->undoing = true;
    op->at = last_undo(guard->recipe);
    fail_recovered(op, LODGE_ERROR_CANCELLED, "undone again");
    op_start(op);
}

/* Nothing of it is known to be anybody's, no operation is at it, and the host does not show that
 * the database is older than that (restored.c). */
static bool guard_may_act(struct ops *ops, const struct guard *guard)
{
    const struct vm *vm = registry_find_vm(ops->registry, guard->host, guard->uuid);
    const struct fleet_host *host = fleet_find(ops->fleet, guard->host);
    return !guard->foreign && host != NULL && ops_has_met(ops, host) &&
           (vm == NULL || vm->row == NULL) && ops_holder(ops, guard->host, guard->uuid) == NULL;
}

/* A domain that came while the operation still had its row is no newcomer to the registry: a new
 * guard looks too. At worst the domain that was just undefined is still shown, and the undo finds
 * nothing. */
void ops_look_for_debris(struct ops *ops)
{
    uint64_t added = registry_added(ops->registry);
    if (added == ops->added_seen && !ops->guards_grew) {
        return;
    }
    ops->added_seen = added;
    ops->guards_grew = false;
    for (struct guard *guard = ops->guards; guard != NULL; guard = guard->next) {
        const struct vm *vm = registry_find_vm(ops->registry, guard->host, guard->uuid);
        if (vm != NULL && vm->present && guard_may_act(ops, guard)) {
            undo_again(ops, guard);
        }
    }
}

void ops_look_again_for_debris(struct ops *ops)
{
    ops_meet_hosts(ops);
    for (struct guard *guard = ops->guards; guard != NULL; guard = guard->next) {
        struct registry_host *host = registry_find_host(ops->registry, guard->host);
        bool is_read = host != NULL && host->facts.synced_at != 0;
        if (guard->looks > 0 && is_read && guard_may_act(ops, guard)) {
            guard->looks--;
            undo_again(ops, guard);
        }
    }
}
