/*
 * op_wait: an operation that waits for what its step has asked for: looked at whenever the registry
 * learns something, and judged at its deadline, after its VM has been read anew.
 *
 * Nothing is said to be done that is not there. An event may be late or lost, so the deadline asks
 * libvirt before it judges; and when the step has acted on another run of the guest than the
 * registry knows, that is read first: what is known is not about it. Loop-only.
 */
#include "host/host.h"
#include "log.h"
#include "memory.h"
#include "ops/op.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { MS_PER_S = 1000, MOST_READINGS = 5 };

struct reading {
    struct ops *ops;
    int64_t op;
    uint64_t number; /* op.reading, while it is waited for */
};

static void wait_is_over(struct op *op, enum wait_end end)
{
    op->phase = OP_MOVING;
    if (end == WAIT_FAILED) {
        op_failed(op);
        return;
    }
    op_move_on(op);
    op_start(op);
}

static void is_too_late(struct op *op)
{
    if (op_step(op)->late_is_fine) {
        wait_is_over(op, WAIT_OVER);
        return;
    }
    const struct vm *vm = op_vm(op);
    const char *reason = vm == NULL ? NULL : vm->facts.reason;
    (void)op_fail(op, LODGE_ERROR_TIMEOUT, "'%s' did not answer %s within %lld s: it is %s%s%s%s",
                  op->plan.name, op->recipe->kind, (long long)op->wait_ms / MS_PER_S,
                  vm == NULL ? "gone" : lodge_vm_state_name(vm->facts.state),
                  reason == NULL ? "" : " (", reason == NULL ? "" : reason,
                  reason == NULL ? "" : ")");
    wait_is_over(op, WAIT_FAILED);
}

static void take_what_is_seen(struct op *op, bool is_fresh)
{
    const struct vm *vm = is_fresh ? op_vm(op) : NULL;
    if (vm != NULL && vm->present && vm_is_whole(vm)) {
        op->seen.vcpus = vm->most_vcpus;
        op->seen.memory_mib = vm->most_memory_mib;
        op->seen.name = xstrdup_or_null(vm->facts.name);
    }
}

static void vm_was_read(void *data, const struct lodge_error *error)
{
    struct reading *reading = data;
    struct ops *ops = reading->ops;
    struct op *op = ops->fleet->closing ? NULL : ops_find(ops, reading->op);
    bool is_waited_for = op != NULL && op->reading == reading->number;
    free(reading);
    if (!is_waited_for) {
        return;
    }
    op->reading = 0;
    if (error != NULL && op->phase == OP_WAITING && error->kind == LODGE_ERROR_HOST_DOWN) {
        op->error = *error; /* what became of it is seen when the host is back */
        op_lost(op);
        op_show(op);
        return;
    }
    if (error != NULL && op->phase == OP_WAITING && op->readings++ < MOST_READINGS) {
        op_wait_read(op); /* a libvirt that is slow has not said no */
        return;
    }
    if (error != NULL) {
        log_info(LOG_OPS, "operation %lld is judged by what was known: %s", (long long)op->id,
                 error->message);
    }
    op->is_behind = false;
    if (op->phase == OP_READS) {
        take_what_is_seen(op, error == NULL);
        op_start(op);
        return;
    }
    loop_later(ops->loop, &ops->look); /* in the next turn: this may be one of op_start() */
}

void op_wait_read(struct op *op)
{
    struct reading *reading = xcalloc(1, sizeof *reading);
    *reading = (struct reading){op->ops, op->id, ++op->ops->last_reading};
    op->reading = reading->number;
    host_fresh(op->host, op->uuid, vm_was_read, reading);
}

void op_wait_begin(struct op *op)
{
    const struct step *step = op_step(op);
    op->wait_ms = step->wait_s != 0
                      ? (uint64_t)step->wait_s * MS_PER_S
                      : (uint64_t)op->plan.grace_s * step->grace_percent * MS_PER_S / 100;
    op->phase = OP_WAITING;
    op->deadline = loop_monotonic_ms() + op->wait_ms;
    if (op->is_behind) {
        op_wait_read(op);
    } else {
        op_look(op);
    }
}

void op_wait_forget(struct op *op)
{
    op->is_behind = false;
    op->is_late = false;
    op->reading = 0;
    op->readings = 0;
}

static void look_at_event(struct op *op)
{
    if (op->is_behind) {
        return;
    }
    enum wait_end end = op_step(op)->happened(op);
    if (end != WAIT_ON) {
        wait_is_over(op, end);
    } else if (op->is_late && op->reading == 0) {
        is_too_late(op);
    }
}

/* What is wrong with it may be another thing by now. */
static void show_news_of_host(struct op *op)
{
    AUTO(free) char *reason = op_reason(op);
    const char *shown = op->shown == NULL ? NULL : op->shown->facts.reason;
    if (shown != NULL && strcmp(shown, reason) != 0) {
        op_show(op);
    }
}

void op_look(struct op *op)
{
    if (op->out) {
        return;
    }
    if (op->phase == OP_NEEDS_HOST && op_host_is_read(op)) {
        op_start(op);
    } else if (op->phase == OP_NEEDS_HOST) {
        show_news_of_host(op);
    } else if (op->phase == OP_WAITING) {
        look_at_event(op);
    }
}

void op_tick(struct op *op, uint64_t now)
{
    if (op->out) {
        return;
    }
    if (op->phase == OP_RETRIES && op->retry_at <= now) {
        op_start(op);
    } else if (op->phase == OP_WAITING && op->deadline <= now && !op->is_late) {
        op->is_late = true;
        op_wait_read(op);
    }
}
