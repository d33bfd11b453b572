/*
 * turns: a user's operations have so many jobs out at once, fewer than there are workers, so that
 * another user's finds one. The others wait here, the oldest first, as if they were out. Where
 * several have something to do each has his part of the workers. Loop-only.
 */
#include "ops/op.h"

#include "scope.h"

enum { USERS_LOOKED_AT = 32 };

/* Of each lane's workers (ops.c's STORE_WORKERS, host/roles.c's CALLS). */
static unsigned jobs_of(enum step_where where, unsigned users)
{
    static const unsigned workers[] = {[ON_STORE] = 3, [ON_HOST] = 4, [ON_RESCUE] = 3};
    unsigned part = workers[where] / users;
    return users == 1 ? workers[where] - 1 : part > 0 ? part : 1;
}

static bool is_beside(const struct op *op, const struct op *other)
{
    return other != op && other->out && other->where == op->where &&
           (op->where == ON_STORE || other->host == op->host);
}

/* Whether its user may have one more job there. */
static bool may_go(const struct op *op)
{
    uid_t users[USERS_LOOKED_AT] = {op->uid};
    unsigned user_count = 1;
    unsigned jobs = 0;
    for (const struct op *other = op->ops->live; other != NULL; other = other->next) {
        if (!is_beside(op, other) || other->turn == TURN_NONE) {
            continue;
        }
        unsigned i = 0;
        while (i < user_count && users[i] != other->uid) {
            i++;
        }
        if (i == user_count && i < USERS_LOOKED_AT) {
            users[user_count++] = other->uid;
        }
        jobs += other->uid == op->uid && other->turn == TURN_TAKEN;
    }
    return jobs < jobs_of(op->where, user_count);
}

bool turn_take(struct op *op)
{
    bool may = may_go(op);
    op->turn = may ? TURN_TAKEN : TURN_WAITS;
    op->ops->waiting_turns += !may;
    return may;
}

/* Those who wait for the same workers, the oldest of each user. */
struct line {
    struct op *first[USERS_LOOKED_AT];
    size_t count;
};

static void stand_in(struct line *line, struct op *op)
{
    size_t i = 0;
    while (i < line->count && line->first[i]->uid != op->uid) {
        i++;
    }
    if (i < USERS_LOOKED_AT) {
        line->first[i] = op; /* the newest are first in the list of all */
        line->count += i == line->count;
    }
}

struct op *turn_next(const struct op *back)
{
    struct ops *ops = back->ops;
    struct line line = {.count = 0};
    for (struct op *op = ops->waiting_turns > 0 ? ops->live : NULL; op != NULL; op = op->next) {
        bool is_same =
            op->where == back->where && (op->where == ON_STORE || op->host == back->host);
        if (op->turn == TURN_WAITS && is_same) {
            stand_in(&line, op);
        }
    }
    for (size_t i = 0; i < line.count; i++) {
        struct op *op = line.first[i];
        if (may_go(op)) {
            op->turn = TURN_TAKEN;
            ops->waiting_turns--;
            return op;
        }
    }
    return NULL;
}
