/*
 * op_loop: an operation on the loop: sends its jobs (op_worker.c), and takes it through its recipe,
 * or back, by how each has ended.
 *
 * How a job ends (enum step_end), and what comes next:
 *              forward                    the step insists           back (undoing)
 *   DONE       the next step; after the   the same                   the one before that has an
 *              last READS, then CLOSING                              undo; after the first CLOSING
 *   WAIT       WAITING                    WAITING                    -
 *   FAILED     back; CLOSING if it is     RETRIES                    RETRIES
 *              committed or has no undo
 *   CANCELLED  the same                   -                          -
 *   LOST       NEEDS_HOST; RETRIES if the host is there nevertheless
 *   STALLED    RETRIES
 *   ASK        ASKS
 * A step whose host has not been read yet begins in NEEDS_HOST, one that will ask (step.asks) in
 * ASKS. Told to stop (op.cancel) before the commit: what is not DONE or LOST counts as CANCELLED,
 * and who has no job out (WAITING, NEEDS_HOST, RETRIES, ASKS) is cancelled at once.
 *
 * What ends a phase (enum op_phase), and what comes next:
 *   MOVING      its job is back: as above
 *   WAITING     it has happened: as DONE. It has failed: as FAILED. It is late: the VM is read anew
 *               and it is judged once more, then as FAILED, or DONE if late_is_fine; as LOST if the
 *               host is away by then (op_wait.c)
 *   NEEDS_HOST  the host has been read: the same step again
 *   RETRIES     it is time: the same step again, later each time
 *   ASKS        who uses which files is known: the same step again. It is not: as FAILED, or LOST
 *   READS       the VM has been read, or cannot be: CLOSING
 *   CLOSING     the last transaction is written: everybody is told, and it is freed. It is not:
 *               RETRIES
 * In NEEDS_HOST and RETRIES it may be given up where it stands (give_up.c).
 *
 * A kill anywhere leaves a journal that says which step may have acted; recovery goes on from
 * there. Loop-only.
 */
#include "ops/op.h"

#include "host/storage/uses.h"
#include "log.h"
#include "memory.h"
#include "ops/failpoint.h"
#include "ops/inquiry.h"
#include "refusals.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_FIRST_MS = 1000, RETRY_LAST_MS = 60000 };

static void store_run(struct job *job)
{
    op_worker_run(CONTAINER_OF(job, struct op, job), NULL);
}

static void store_deliver(struct letter *letter)
{
    struct op *op = CONTAINER_OF(letter, struct op, job.letter);
    op_came_back(op, !atomic_load(&op->job.cancelled));
}

static void host_run(struct host_task *task, struct host_conn *conn)
{
    op_worker_run(CONTAINER_OF(task, struct op, task), conn);
}

static void host_done(struct host_task *task, bool ran)
{
    op_came_back(CONTAINER_OF(task, struct op, task), ran);
}

/* A worker's letter may come when lodged is leaving: whoever waited has been told, and what the
 * registry showed may be gone. */
static void deliver_begun(struct letter *letter)
{
    struct op *op = CONTAINER_OF(letter, struct op, begun_letter);
    if (!op->ops->fleet->closing) {
        ops_begun(op);
    }
}

static void deliver_step(struct letter *letter)
{
    struct op *op = CONTAINER_OF(letter, struct op, step_letter);
    atomic_store(&op->step_letter_out, false);
    if (!op->ops->fleet->closing) {
        op_show(op);
    }
}

static void retry_later(struct op *op)
{
    if (op->gives_up && !op_is_over(op)) {
        give_up_now(op);
        op_start(op);
        return;
    }
    op->phase = OP_RETRIES;
    op->retry_ms = op->retry_ms == 0 ? RETRY_FIRST_MS : op->retry_ms * 2;
    op->retry_ms = op->retry_ms > RETRY_LAST_MS ? RETRY_LAST_MS : op->retry_ms;
    op->retry_at = loop_monotonic_ms() + op->retry_ms;
    op->retry_step = atomic_load(&op->showing);
    free(op->retry_reason);
    op->retry_reason = op_reason_to_retry(op);
    if (op->retry_ms == RETRY_FIRST_MS) {
        log_warning(LOG_OPS, "operation %lld (%s) waits: %s", (long long)op->id, op->recipe->kind,
                    op->error.message);
    }
}

static bool wants_uses(const struct op *op)
{
    return op->begun && !op_is_over(op) && op->uses == NULL && op_step(op)->asks != NULL &&
           op_step(op)->asks(op);
}

static void send_job(struct op *op)
{
    op->begun_letter.deliver = deliver_begun;
    op->step_letter.deliver = deliver_step;
    if (op->where == ON_STORE) {
        op->job = (struct job){.letter.deliver = store_deliver, .run = store_run};
        workers_submit(op->ops->workers, &op->job);
    } else {
        op->task = (struct host_task){.run = host_run, .done = host_done};
        host_submit(op->host, op->where == ON_RESCUE ? HOST_CHANNEL_RESCUE : HOST_CHANNEL_OPS,
                    &op->task);
    }
}

void op_start(struct op *op)
{
    assert(!op->out);
    bool over = op->begun && op_is_over(op);
    enum step_where where = over                                   ? ON_STORE
                            : op->refusal.kind != LODGE_ERROR_NONE ? ON_STORE
                                                                   : op_lane(op);
    if (where != ON_STORE && op->begun && !op_host_is_read(op)) {
        op->phase = OP_NEEDS_HOST;
        op_show(op);
        return;
    }
    if (over && op->recipe->reads_after && !op->is_read) {
        op->is_read = true; /* or cannot be: its host is away */
        if (op_host_is_read(op)) {
            op->phase = OP_READS;
            op_show(op);
            op_wait_read(op);
            return;
        }
    }
    struct vm *vm = op_vm(op);
    op->phase = over ? OP_CLOSING : OP_MOVING;
    op_stand(op);
    op->starts = vm == NULL ? 0 : vm->starts;
    op->reboots = vm == NULL ? 0 : vm->reboots;
    op->seen_run = vm == NULL ? LODGE_UNKNOWN : vm->run;
    op_wait_forget(op);
    if (!over && op_step(op)->prepare != NULL) {
        op_step(op)->prepare(op);
    }
    if (wants_uses(op)) {
        inquiry_begin(op);
        op_show(op);
        return;
    }
    op->out = true;
    op->where = where;
    op_show(op);
    if (turn_take(op)) {
        send_job(op);
    } else {
        ops_set_timer(op->ops);
    }
}

/* Back, or straight to the end. */
static void undo_or_end(struct op *op)
{
    bool back = op->recipe->undoes && !op->committed;
    op->phase = OP_MOVING;
    if (!back) {
        op->at = (ssize_t)op->recipe->count;
    } else if (!op->undoing) {
        op_turn_back(op);
    }
    op_start(op);
}

void op_failed(struct op *op)
{
    /* An undo that cannot finish is tried again, visibly, for ever; so is what only goes forward.
     */
    if (op->undoing || op_step(op)->insists) {
        retry_later(op);
        return;
    }
    if (op->recipe->fails != NULL) {
        op->recipe->fails(op);
    }
    op->failure = op->error;
    undo_or_end(op);
}

static void stopped(struct op *op)
{
    op->was_cancelled = true;
    op->failure = (struct lodge_error){0};
    (void)lodge_fail(&op->failure, LODGE_ERROR_CANCELLED, "%s of '%s' was cancelled",
                     op->recipe->kind, op->plan.name);
    undo_or_end(op);
}

void op_lost(struct op *op)
{
    op->may_have_run = true;
    if (op->gives_up || op_host_is_read(op)) {
        retry_later(op);
    } else {
        op->phase = OP_NEEDS_HOST;
    }
}

/* By how its last job, or its question, has ended. */
static void go_on_by_end(struct op *op)
{
    if (op->end == STEP_DONE || op->end == STEP_WAIT) {
        op->retry_ms = 0;
        op->gives_up = false;
    }
    /* What fails after it was told to stop has failed because of that. */
    if (op->end != STEP_DONE && op->end != STEP_LOST && op_wants_to_stop(op)) {
        op->end = STEP_CANCELLED;
    }
    op->asked = op->end == STEP_ASK ? op->asked : 0;
    switch (op->end) {
    case STEP_DONE:
        op_start(op);
        break;
    case STEP_WAIT:
        op_wait_begin(op);
        break;
    case STEP_FAILED:
        op_failed(op);
        break;
    case STEP_CANCELLED:
        stopped(op);
        break;
    case STEP_LOST:
        op_lost(op);
        break;
    case STEP_STALLED:
        retry_later(op);
        break;
    case STEP_ASK:
        inquiry_begin(op);
        break;
    }
    op_show(op);
}

void op_answered(void *data, struct uses *uses, const struct lodge_error *error)
{
    struct op *op = data;
    op->out = false;
    if (op->ops->fleet->closing) {
        ops_ended(op->ops, op);
        return;
    }
    if (uses != NULL) {
        op->uses = uses_hold(uses);
        op_start(op);
        return;
    }
    op->error = *error;
    op->end = op_end(op, false);
    go_on_by_end(op);
}

void op_pass_turn(struct op *op)
{
    struct op *next;
    while ((next = turn_next(op)) != NULL) {
        send_job(next);
    }
}

void op_came_back(struct op *op, bool ran)
{
    struct ops *ops = op->ops;
    op->out = false;
    op->turn = TURN_NONE;
    uses_release(TAKE(op->uses));
    uses_release(TAKE(op->own_uses));
    if (ops->fleet->closing) {
        ops_ended(ops, op);
        return;
    }
    op_pass_turn(op);
    if (!ran && !op->begun) {
        (void)refuse_host_down(&op->error, op->host_name, NULL);
        op->end = STEP_FAILED;
    } else if (!ran) {
        op->error = (struct lodge_error){0};
        (void)lodge_fail(&op->error, LODGE_ERROR_HOST_DOWN,
                         "host '%s' went away in the middle of it", op->host_name);
        op->end = STEP_LOST;
    }
    if (!op->begun || op->known || op->closed) {
        ops_ended(op->ops, op);
        return;
    }
    go_on_by_end(op);
}

void op_cancel(struct op *op)
{
    atomic_store(&op->cancelled, true);
    bool idle = op->phase == OP_WAITING || op->phase == OP_NEEDS_HOST || op->phase == OP_RETRIES ||
                op->phase == OP_ASKS;
    if (!op->out && op->begun && idle && op_wants_to_stop(op)) {
        stopped(op);
    }
}
