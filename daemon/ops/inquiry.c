/*
 * inquiry: operations that ask (OP_ASKS) go together: as soon as no other of their host is on its
 * way to the same question, or has kept them waiting for GATHER_MS. The host answers all of them
 * from one reading. Loop-only.
 */
#include "ops/inquiry.h"

#include "host/storage/uses.h"
#include "ops/recipes.h"

/* A hundred deletions that were asked for at once reach their question within a second or two, each
 * when its turn has come on the host's lane and in the store. */
enum { GATHER_MS = 1000 };

/* On its way, with a job that is out: one that waits for a guest, or for its host, may take long.
 */
static bool is_coming(const struct op *op, const struct host *host)
{
    bool deletes = op->recipe == &delete_recipe || op->recipe == &orphan_recipe ||
                   (op->undoing && op->recipe->undoes);
    return deletes && op->host == host && op->out && op->phase == OP_MOVING && op->uses == NULL &&
           !op->plan.hung;
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

static void send_one(struct op *op)
{
    op->out = true;
    host_ask_uses(op->host, op_place(op), op_answered, op);
}

/* All of the host: they have the same reading. */
static void send_all(struct ops *ops, struct host *host)
{
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        if (waits_here(op) && op->host == host) {
            send_one(op);
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

void inquiry_look(struct ops *ops)
{
    uint64_t now = loop_monotonic_ms();
    for (struct op *op = ops->live; op != NULL; op = op->next) {
        if (waits_here(op) && (op->deadline <= now || !others_come(ops, op->host))) {
            send_all(ops, op->host);
        }
    }
}
