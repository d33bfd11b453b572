/*
 * op_shown: what an operation shows of itself while it goes on, and what its beginning and its end
 * leave in the registry. Loop-only.
 */
#include "log.h"
#include "memory.h"
#include "ops/guards.h"
#include "ops/op.h"
#include "ops/rate.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum lodge_op_state live_state(const struct op *op)
{
    if (op->phase == OP_WAITING || op->phase == OP_NEEDS_HOST || op->phase == OP_RETRIES ||
        op->retry_ms != 0) {
        return op->undoing ? LODGE_OP_UNDOING : LODGE_OP_WAITING;
    }
    return op->undoing ? LODGE_OP_UNDOING : LODGE_OP_RUNNING;
}

static void set_shown_text(char **text, const char *value)
{
    free(*text);
    *text = xstrdup_or_null(value);
}

static void log_step(struct lodge_op *facts, const char *name)
{
    size_t count = facts->steps.count;
    if (count > 0 && strcmp(facts->steps.items[count - 1].name, name) == 0) {
        return;
    }
    facts->steps.items = xrealloc(facts->steps.items, (count + 1) * sizeof *facts->steps.items);
    facts->steps.items[count] = (struct lodge_op_step){xstrdup(name), loop_wall_ms()};
    facts->steps.count++;
    set_shown_text(&facts->step, name);
}

/* A worker may have taken several before the loop has heard of the first; one that was taken up
 * after a kill has taken none yet. */
static void log_steps(struct op *op, int at)
{
    unsigned traced = atomic_load(&op->traced);
    if (traced - op->logged > TRACE_KEPT) {
        op->logged = traced - TRACE_KEPT;
    }
    for (; op->logged != traced; op->logged++) {
        unsigned step = atomic_load(&op->trace[op->logged % TRACE_KEPT]);
        log_step(&op->shown->facts, op->recipe->steps[step].name);
    }
    if (traced == 0) {
        log_step(&op->shown->facts, op->recipe->steps[at].name);
    }
}

static void take_notes(struct lodge_op *facts, const struct plan *plan)
{
    for (size_t i = facts->notes.count; i < plan->notes.count; i++) {
        if (!lodge_strings_add(&facts->notes, plan->notes.items[i])) {
            abort(); /* out of memory */
        }
    }
}

void op_stand(struct op *op)
{
    if (op->shown == NULL || op->is_debris) {
        return;
    }
    struct lodge_op *facts = &op->shown->facts;
    bool before = !op->committed && !op->undoing && op->recipe->can_cancel;
    op->may_give_up = before ? GIVE_UP_NOBODY : give_up_right(op);
    op->forgets = op->may_give_up != GIVE_UP_NOBODY && give_up_forgets(op);
    facts->can_cancel =
        before || op->may_give_up != GIVE_UP_NOBODY ? LODGE_FLAG_YES : LODGE_FLAG_NO;
    facts->state = live_state(op);
    free(facts->reason);
    facts->reason = op_reason(op);
    take_notes(facts, &op->plan);
}

/* The job that was sent once more has got further than the last. */
static void moved_on(struct lodge_op *facts)
{
    free(TAKE(facts->reason));
    facts->state = facts->state == LODGE_OP_WAITING ? LODGE_OP_RUNNING : facts->state;
}

void op_show(struct op *op)
{
    if (op->shown == NULL || op->is_debris) {
        return;
    }
    struct lodge_op *facts = &op->shown->facts;
    int at = atomic_load(&op->showing);
    if (at >= 0 && (size_t)at < op->recipe->count) {
        log_steps(op, at);
        facts->progress.done = at;
    }
    if (!op->out && op->phase != OP_ASKS) { /* to ask is a part of the step */
        op_stand(op);
    } else if (op->retry_ms != 0 && at != op->retry_step) {
        moved_on(facts);
    }
    registry_op_changed(op->ops->registry, op->shown);
}

static void show_new(struct op *op, int64_t started_at)
{
    op->shown = registry_add_op(op->ops->registry);
    struct lodge_op *facts = &op->shown->facts;
    struct vm *vm = op_vm(op);
    op->shown->uid = op->uid;
    op->shown->owner = vm == NULL ? VM_NO_OWNER : vm->owner;
    facts->id = op->id;
    facts->kind = xstrdup(op->recipe->kind);
    facts->host = xstrdup(op->host_name);
    snprintf(facts->uuid, sizeof facts->uuid, "%s", op->uuid);
    facts->vm = xstrdup_or_null(op->plan.name);
    facts->user = xstrdup(people_name(registry_people(op->ops->registry), op->uid));
    facts->state = LODGE_OP_RUNNING;
    facts->can_cancel = op->recipe->can_cancel ? LODGE_FLAG_YES : LODGE_FLAG_NO;
    facts->started_at = started_at;
    facts->progress.total = (int64_t)op->recipe->count;
    facts->progress.unit = xstrdup("steps");
    op_show(op);
}

void op_show_recovered(struct op *op, int64_t started_at)
{
    registry_set_op(op->ops->registry, op->host_name, op->uuid, op->id);
    show_new(op, started_at);
}

static void register_row(struct op *op, enum vm_phase phase, const struct vm_row *row)
{
    struct vm_row known = *row;
    known.phase = phase;
    registry_set_row(op->ops->registry, &known);
}

/* The row as this operation's first transaction has left it. */
static void register_begun(struct op *op)
{
    struct registry *registry = op->ops->registry;
    enum vm_phase phase = op->recipe->begins == VM_ADOPT ? VM_PHASE_READY : VM_PHASE_CREATING;
    if (op->recipe->begins == VM_INSERT || op->recipe->begins == VM_ADOPT) {
        struct vm_row row;
        AUTO(free) struct disk_row *disks = NULL;
        op_fill_row(op, false, &row, &disks);
        register_row(op, phase, &row);
    } else if (op->recipe->begins == VM_DELETING) {
        registry_set_phase(registry, op->host_name, op->uuid, VM_PHASE_DELETING);
    }
    if (!op->recipe->stops_others || ops_holder(op->ops, op->host_name, op->uuid) == NULL) {
        registry_set_op(registry, op->host_name, op->uuid, op->id > 0 ? op->id : LODGE_UNKNOWN);
    }
}

void ops_begun(struct op *op)
{
    op->begun = true;
    if (op->known) {
        memcpy(op->uuid, op->record.uuid, sizeof op->uuid);
    } else {
        register_begun(op);
        if (op->id > 0) { /* without a number nobody could be told of it again */
            show_new(op, loop_wall_ms());
        }
    }
    waiters_tell(
        op, false,
        &(struct op_answer){.op = op->id, .uuid = op->uuid, .began = op->id > 0 && !op->known});
}

static void register_ended(struct op *op, enum vm_effect effect, const struct vm_row *row)
{
    struct registry *registry = op->ops->registry;
    switch (effect) {
    case VM_REMOVE:
        registry_drop_row(registry, op->host_name, op->uuid);
        break;
    case VM_READY:
        registry_set_phase(registry, op->host_name, op->uuid, VM_PHASE_READY);
        break;
    case VM_SETTLE:
        register_row(op, VM_PHASE_READY, row);
        break;
    case VM_ERROR:
        registry_set_phase(registry, op->host_name, op->uuid, VM_PHASE_ERROR);
        break;
    case VM_KEEP:
    case VM_INSERT:
    case VM_ADOPT:
    case VM_CHARGE:
    case VM_DELETING:
        break;
    }
    struct op *holder = ops_holder(op->ops, op->host_name, op->uuid);
    registry_set_op(registry, op->host_name, op->uuid,
                    holder != NULL && holder != op && holder->begun && holder->id > 0
                        ? holder->id
                        : LODGE_UNKNOWN);
}

static void show_ended(struct op *op)
{
    struct ops *ops = op->ops;
    if (op->shown == NULL) {
        return;
    }
    struct lodge_op *facts = &op->shown->facts;
    facts->state = op_final_state(op);
    free(TAKE(facts->reason));
    take_notes(facts, &op->plan);
    facts->can_cancel = LODGE_FLAG_NO;
    facts->ended_at = loop_wall_ms();
    facts->progress.done =
        facts->state == LODGE_OP_DONE ? facts->progress.total : facts->progress.done;
    if (op->failure.kind != LODGE_ERROR_NONE) {
        set_shown_text(&facts->error.kind, lodge_error_kind_name(op->failure.kind));
        set_shown_text(&facts->error.message, op->failure.message);
    }
    registry_op_changed(ops->registry, op->shown);
    struct registry_op **place = &ops->ended[ops->ended_next++ % OPS_SHOWN];
    if (*place != NULL) {
        registry_remove_op(ops->registry, *place);
    }
    *place = op->shown;
}

static void log_ended(const struct op *op)
{
    struct log_fields fields = {.host = op->host_name, .vm = op->plan.name, .op = op->id};
    if (op->failure.kind == LODGE_ERROR_NONE) {
        log_with(LOG_LEVEL_INFO, LOG_OPS, &fields, "%s of '%s' is done", op->recipe->kind,
                 op->plan.name);
    } else {
        log_with(LOG_LEVEL_WARNING, LOG_OPS, &fields, "%s of '%s': %s", op->recipe->kind,
                 op->plan.name, op->failure.message);
    }
}

/* Those who wait hear how it ended; one that never began, why. */
static void tell_ended(struct op *op)
{
    struct op_answer answer = {.op = op->begun ? op->id : 0, .uuid = op->uuid, .began = op->begun};
    struct lodge_error err = op->begun ? op->failure : op->error;
    if (op->begun && err.kind != LODGE_ERROR_NONE) {
        err.op = op->id > 0 ? op->id : 0;
        err.op_ended = true;
    }
    answer.error = err.kind == LODGE_ERROR_NONE ? NULL : &err;
    answer.result = op->result;
    waiters_tell(op, true, &answer);
}

void ops_ended(struct ops *ops, struct op *op)
{
    if (ops->fleet->closing) {
        op_free(op);
        return;
    }
    bool is_new = op->begun && !op->known;
    if (!is_new && op->counted_ms != 0) {
        rate_take_back(ops->rate, op->uid, (int64_t)loop_monotonic_ms() - op->counted_ms);
    }
    if (is_new) {
        struct vm_row row;
        AUTO(free) struct disk_row *disks = NULL;
        op_fill_row(op, true, &row, &disks);
        enum vm_effect effect = op_effect(op, &row);
        if (!op->is_debris) {
            register_ended(op, effect, &row);
        }
        show_ended(op);
        const struct vm *vm = op_vm(op);
        if (vm != NULL && vm_row_differs(vm)) {
            ops->differs_seen = 0; /* while it had the VM its row was its own to write */
        }
        if (!op->is_debris) {
            log_ended(op);
        }
        guards_note_end(op);
    }
    tell_ended(op);
    struct postponed *postponed = TAKE(op->postponed);
    op_free(op);
    ops_ask_postponed(ops, postponed);
    loop_later(ops->loop, &ops->look); /* who waited for this VM looks again */
}
