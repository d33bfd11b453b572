/*
 * op_worker: an operation on a worker: journal the step, act, and so on to the next on the same
 * lane.
 *
 * What is on record when a call to the store has returned is there after a kill at any instruction.
 */
#include "log.h"
#include "memory.h"
#include "ops/failpoint.h"
#include "ops/op.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static bool is_journalled(const struct op *op)
{
    return op->id > 0 && !op->is_debris;
}

/* On a worker */

static bool begin_journal(struct op *op)
{
    struct vm_row row;
    AUTO(free) struct disk_row *disks = NULL;
    AUTO(free) char *journal = plan_to_json(&op->plan);
    op_fill_row(op, false, &row, &disks);
    struct op_begin begin = {
        .kind = op->recipe->kind,
        .host = op->host_name,
        .uuid = op->uuid,
        .vm_name = op->plan.name,
        .new_name = op->plan.new_name,
        .uid = op->uid,
        .pid = op->pid,
        .is_admin = op->is_admin,
        .at_ms = loop_wall_ms(),
        .step = op_step(op)->name,
        .journal = journal,
        .request_id = op->request_id,
        .request_hash = op->request_hash,
        .asked = op->for_audit,
        .effect = op->recipe->begins,
        .vm = &row,
        .system_limits = op->ops->fleet->options.system_limits,
        .user_limits = op->ops->fleet->options.user_limits,
    };
    struct op_begun begun;
    if (!fail_point(op->recipe->kind, "reserve", "", &op->error) ||
        !store_begin_op(op->ops->fleet->store, &begin, &begun, &op->error)) {
        return false;
    }
    op->id = begun.id;
    op->known = begun.known;
    op->record = begun;
    ops_note_last(op->ops, begun.id); /* before a domain names it */
    op->noted = true;
    op->plan_changed = false;
    return true;
}

/* A store that is away leaves an admin one thing: to stop guests, without a journal. */
static bool begin_without_store(struct op *op)
{
    if (!op->recipe->stops_others || !op->is_admin ||
        (op->ops->fleet->store != NULL && op->error.kind != LODGE_ERROR_STORE_UNAVAILABLE)) {
        return false;
    }
    op->error = (struct lodge_error){0};
    op->id = op->spare_id;
    return true;
}

static bool find_known(struct op *op)
{
    const struct op_request request = {op->uid, op->recipe->kind, op->request_id, op->request_hash};
    struct op_begun begun;
    if (!store_find_request(op->ops->fleet->store, &request, &begun, &op->error)) {
        return false;
    }
    if (!begun.known) {
        op->error = op->refusal;
        return false;
    }
    op->id = begun.id;
    op->known = true;
    op->record = begun;
    return true;
}

static void take_known(void *data, const struct op_row *row)
{
    struct op *op = data;
    op->result = xstrdup_or_null(row->result);
    if (row->error_kind != LODGE_ERROR_NONE) {
        (void)lodge_fail(&op->failure, row->error_kind, "%s", row->error);
    }
}

static bool begin_somehow(struct op *op, struct host_conn *conn)
{
    if (op->ops->fleet->store == NULL) {
        (void)lodge_fail(&op->error, LODGE_ERROR_STORE_UNAVAILABLE,
                         "the store is not open: nothing can be changed until lodged's log is "
                         "heeded");
        return begin_without_store(op);
    }
    if (op->refusal.kind != LODGE_ERROR_NONE) {
        return find_known(op);
    }
    if (op->recipe->check != NULL && !op->recipe->check(op, conn)) {
        return false;
    }
    return begin_journal(op) || (op->id == 0 && begin_without_store(op));
}

/* The loop is told where it stands, without ever waiting for it: a letter that is on its way finds
 * the newest. */
static void show_step(struct op *op)
{
    atomic_store(&op->showing, (int)op->at);
    unsigned traced = atomic_load(&op->traced);
    atomic_store(&op->trace[traced % TRACE_KEPT], (unsigned char)op->at);
    atomic_store(&op->traced, traced + 1);
    if (!atomic_exchange(&op->step_letter_out, true)) {
        loop_post(op->ops->loop, &op->step_letter);
    }
}

static bool note_step(struct op *op, const struct step *step)
{
    show_step(op);
    if (op->noted || !is_journalled(op)) {
        return true;
    }
    AUTO(free) char *journal = op->plan_changed ? plan_to_json(&op->plan) : NULL;
    enum lodge_op_state state = op->undoing ? LODGE_OP_UNDOING : LODGE_OP_RUNNING;
    if (!store_note_step(op->ops->fleet->store, op->id, step->name, state, journal, loop_wall_ms(),
                         &op->error)) {
        return false;
    }
    op->noted = true;
    op->plan_changed = false;
    return true;
}

static enum step_end commit_journal(struct op *op, const struct step *step)
{
    if (!store_commit_op(op->ops->fleet->store, op->id, step->name, op->recipe->commits,
                         loop_wall_ms(), &op->error)) {
        return STEP_STALLED;
    }
    op->committed = true;
    return STEP_DONE;
}

static enum step_end act(struct op *op, const struct step *step, struct host_conn *conn)
{
    const char *before = op->undoing ? ".undo" : "";
    const char *after = op->undoing ? ".undo.done" : ".done";
    op->error = (struct lodge_error){0};
    if (!op->undoing && step->look != NULL) {
        if (!step->look(op, conn)) {
            return op_end(op, false);
        }
        op->noted &= !op->plan_changed;
    }
    if (!step->commits && !note_step(op, step)) {
        return STEP_STALLED;
    }
    if (!fail_point(op->recipe->kind, step->name, before, &op->error)) {
        return STEP_FAILED;
    }
    enum step_end end = STEP_DONE;
    if (op->undoing) {
        end = step->undo(op, conn);
    } else if (step->commits) {
        end = commit_journal(op, step);
    } else if (step->run != NULL) {
        end = step->run(op, conn);
    }
    if (end == STEP_DONE && !fail_point(op->recipe->kind, step->name, after, &op->error)) {
        return STEP_FAILED;
    }
    return end;
}

/* What is kept of it, and answered: its recipe's own result, with the notes. Once. */
static void add_notes(struct op *op)
{
    const struct lodge_strings *notes = &op->plan.notes;
    if (notes->count == 0 || op->has_notes) {
        return;
    }
    struct buffer result = {0};
    size_t length = op->result == NULL ? 0 : strlen(op->result) - 1; /* without its '}' */
    if (length > 0) {
        buffer_add(&result, op->result, length);
    }
    buffer_add_text(&result, length == 0 ? "{" : ",");
    op_write_list(&result, "notes", notes);
    buffer_add_text(&result, "}");
    free(op->result);
    op->result = buffer_take(&result);
    op->has_notes = true;
}

/* The last transaction. */
static bool write_end(struct op *op)
{
    struct vm_row row = {0};
    AUTO(free) struct disk_row *disks = NULL;
    op_fill_row(op, true, &row, &disks);
    op->error = (struct lodge_error){0};
    add_notes(op);
    struct op_end end = {
        .state = op_final_state(op),
        .error = op->failure.kind == LODGE_ERROR_NONE ? NULL : &op->failure,
        .result = op->result,
        .effect = op_effect(op, &row),
        .vm = &row,
        .left_alone = op->left_alone || op->plan.alive || op->is_untouched || op->is_given_up,
        .at_ms = loop_wall_ms(),
    };
    if (is_journalled(op) && (!fail_point(op->recipe->kind, "close", "", &op->error) ||
                              !store_end_op(op->ops->fleet->store, op->id, &end, &op->error) ||
                              !fail_point(op->recipe->kind, "close", ".done", &op->error))) {
        return false;
    }
    if (op->is_debris && op->plan.alive &&
        !store_leave_op(op->ops->fleet->store, op->id, &op->error)) {
        return false;
    }
    op->closed = true;
    return true;
}

/* False when it does not go on: refused, or an operation of before. */
static bool worker_begins(struct op *op, struct host_conn *conn)
{
    if (!begin_somehow(op, conn)) {
        op->end = STEP_FAILED;
        return false;
    }
    bool found = false;
    if (op->known &&
        !store_read_op(op->ops->fleet->store, op->id, take_known, op, &found, &op->failure)) {
        log_warning(LOG_OPS, "how operation %lld ended is not known: %s", (long long)op->id,
                    op->failure.message);
    }
    loop_post(op->ops->loop, &op->begun_letter);
    op->end = STEP_DONE;
    if (!op->known && !fail_point(op->recipe->kind, "reserve", ".done", &op->error)) {
        op->end = STEP_FAILED;
    }
    return !op->known && op->end == STEP_DONE;
}

void op_worker_run(struct op *op, struct host_conn *conn)
{
    if (!op->begun && !worker_begins(op, conn)) {
        return;
    }
    enum step_where lane = op_is_over(op) ? ON_STORE : op_lane(op);
    while (!op_is_over(op)) {
        const struct step *step = op_step(op);
        if (op_wants_to_stop(op)) {
            op->end = STEP_CANCELLED;
            return;
        }
        op->end = act(op, step, conn);
        if (op->end != STEP_DONE) {
            return;
        }
        op_move_on(op);
        bool stays = op_is_over(op) || op_step(op)->commits ||
                     (op_lane(op) == lane && op_step(op)->prepare == NULL);
        if (!stays) {
            return;
        }
    }
    if (op->recipe->reads_after && !op->is_read) {
        op->end = STEP_DONE; /* the loop has it read before it is closed */
        return;
    }
    op->end = write_end(op) ? STEP_DONE : STEP_STALLED;
}
