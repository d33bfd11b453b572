/*
 * inquiry: operations that ask (OP_ASKS) go together: as soon as no other of their host is on its
 * way to the same question, or has kept them waiting for GATHER_MS. The host answers all of them
 * from one reading. Loop-only.
 */
#include "ops/inquiry.h"

#include "host/storage/uses.h"

/* A hundred deletions that were asked for at once reach their question within a second or two, each
 * when its turn has come on the host's lane and in the store. */
enum { GATHER_MS = 1000 };

/* A creation removes files when it is undone. */
static bool removes_files(const struct op *op)
{
    bool asks = false;
    for (size_t i = 0; i < op->recipe->count; i++) {
        asks |= op->recipe->steps[i].asks != NULL;
    }
    return asks && (op->undoing || !op->recipe->undoes);
}

/* On its way, with a job that is out: one that waits for a guest, or for its host, may take long.
 */
static bool is_coming(const struct op *op, const struct host *host)
{
    return removes_files(op) && op->host == host && op->out && op->phase == OP_MOVING &&
           op->uses == NULL && !op->plan.hung;
}

static bool others_come(const struct ops *ops, const struct host *host)
{
    const struct op *op = ops->live;
    while (op != NULL && !is_coming(op, host)) {
        op = op->next;
    }
    return op != NULL;
}

static bool waits_here(const struct op *op)
{
    return op->phase == OP_ASKS && !op->out;
}

static void send_one(struct op *op, uses_fn *answered)
{
    op->out = true;
    host_ask_uses(op->host, op_place(op), answered, op);
}

/* All of the host: they have the same reading. */
static void send_all(struct ops *ops, struct host *host, uses_fn *answered)
{
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        if (waits_here(op) && op->host == host) {
            send_one(op, answered);
        }
    }
}

void inquiry_begin(struct op *op)
{
    op->asked++;
    op->phase = OP_ASKS;
    op->deadline = loop_monotonic_ms() + GATHER_MS;
    loop_later(op->ops->loop, &op->ops->look);
}

void inquiry_look(struct ops *ops, uses_fn *answered)
{
    uint64_t now = loop_monotonic_ms();
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        if (waits_here(op) && (op->deadline <= now || !others_come(ops, op->host))) {
            send_all(ops, op->host, answered);
        }
    }
}
