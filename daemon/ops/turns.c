/*
 * turns: a user's operations have so many jobs out at once, fewer than there are workers, so that
 * another user's finds one. The others wait here, the oldest first, as if they were out. Where
 * several have something to do each has his part of the workers.
 *
 * A job may keep a processor busy (a guest's start does), and the guests of the others have theirs
 * there: a user other than root has but half as many jobs out as there are processors, at a pace
 * (rate.h). A job that is out for longer than QUICK_MS waits for something else, and does not
 * count. Loop-only.
 */
#include "ops/op.h"
#include "ops/rate.h"

#include "scope.h"

#include <unistd.h>

enum { USERS_LOOKED_AT = 32, QUICK_MS = 4000 };

/* Of each lane's workers (ops.c's STORE_WORKERS, host/channels.c's CALLS). */
static unsigned jobs_of(enum step_where where, unsigned users)
{
    static const unsigned workers[] = {[ON_STORE] = 3, [ON_HOST] = 4, [ON_RESCUE] = 3};
    unsigned part = workers[where] / users;
    return users == 1 ? workers[where] - 1 : part > 0 ? part : 1;
}

static unsigned half_of_the_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 4 ? 1 : (unsigned)count / 2;
}

static bool is_quick(const struct op *op)
{
    return loop_monotonic_ms() - op->sent_at < QUICK_MS;
}

/* Whoever stops a guest that hangs does not wait for what else he does. */
static bool is_bound(const struct op *op)
{
    return op->uid != 0 && op->uid != geteuid() && op->where != ON_RESCUE;
}

bool turn_is_same(const struct op *op, const struct op *other)
{
    return op->where == other->where && (op->where == ON_STORE || op->host == other->host);
}

static bool is_beside(const struct op *op, const struct op *other)
{
    return other != op && other->out && turn_is_same(op, other);
}

/* Whether its user may have one more job there. */
static bool may_go(const struct op *op)
{
    uid_t users[USERS_LOOKED_AT] = {op->uid};
    unsigned user_count = 1;
    unsigned jobs = 0;
    unsigned quick = 0;
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
        bool is_mine = other->uid == op->uid && other->turn == TURN_TAKEN;
        jobs += is_mine;
        quick += is_mine && is_quick(other);
    }
    return jobs < jobs_of(op->where, user_count) &&
           (!is_bound(op) || (quick < half_of_the_processors() &&
                              rate_sends_at(op->ops->rate, op->uid) <= loop_monotonic_ms()));
}

static void take_turn(struct op *op)
{
    op->turn = TURN_TAKEN;
    op->sent_at = loop_monotonic_ms();
    if (is_bound(op)) {
        rate_sent(op->ops->rate, op->uid);
    }
}

bool turn_take(struct op *op)
{
    bool may = may_go(op);
    if (may) {
        take_turn(op);
    } else {
        op->turn = TURN_WAITS;
        op->ops->waiting_turns++;
    }
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

struct op *turn_next(const struct op *other)
{
    struct ops *ops = other->ops;
    struct line line = {.count = 0};
    for (struct op *op = ops->waiting_turns > 0 ? ops->live : NULL; op != NULL; op = op->next) {
        if (op->turn == TURN_WAITS && turn_is_same(op, other)) {
            stand_in(&line, op);
        }
    }
    for (size_t i = 0; i < line.count; i++) {
        struct op *op = line.first[i];
        if (may_go(op)) {
            take_turn(op);
            ops->waiting_turns--;
            return op;
        }
    }
    return NULL;
}

uint64_t turns_next(const struct op *op)
{
    uint64_t next = 0;
    if (op->turn == TURN_WAITS) {
        next = rate_sends_at(op->ops->rate, op->uid);
    } else if (op->turn == TURN_TAKEN && op->ops->waiting_turns > 0) {
        next = op->sent_at + QUICK_MS;
    }
    /* A moment that is over and at which nobody was asked is told too: it comes at once. */
    return next > op->ops->turns_passed ? next : 0;
}
