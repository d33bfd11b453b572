/*
 * turns: a user's operations have so many jobs out at once, fewer than there are workers, so that
 * another user's finds one. The others wait here, the oldest first, as if they were out. Loop-only.
 */
#include "ops/op.h"

#include "scope.h"

/* Of each lane's workers (runner.c's STORE_WORKERS, host/roles.c's CALLS) one is left. */
static unsigned jobs_of(enum step_where where)
{
    static const unsigned jobs[] = {[ON_STORE] = 2, [ON_HOST] = 3, [ON_RESCUE] = 2};
    return jobs[where];
}

static bool is_beside(const struct op *op, const struct op *other)
{
    return other->uid == op->uid && other->out && other->where == op->where &&
           (op->where == ON_STORE || other->host == op->host);
}

bool turn_take(struct op *op)
{
    unsigned jobs = 0;
    for (const struct op *other = op->ops->live; other != NULL; other = other->next) {
        jobs += other != op && is_beside(op, other) && other->has_turn;
    }
    op->has_turn = jobs < jobs_of(op->where);
    return op->has_turn;
}

struct op *turn_give(struct op *op)
{
    struct op *next = NULL;
    if (op->has_turn) {
        op->has_turn = false;
        for (struct op *other = op->ops->live; other != NULL; other = other->next) {
            next = other != op && is_beside(op, other) && !other->has_turn ? other : next;
        }
    }
    if (next != NULL) {
        next->has_turn = true;
    }
    return next;
}
