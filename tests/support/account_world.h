/* account_world: a loop, accounts, and connections that have so much to do. */
#ifndef TESTS_SUPPORT_ACCOUNT_WORLD_H
#define TESTS_SUPPORT_ACCOUNT_WORLD_H

#include "support/loop_world.h"

#include "rpc/account.h"

#include <string.h>

enum { PLACES = 4 };

/* A connection that has `work` pieces to do, each of which takes a whole turn's time. */
struct worker {
    struct account_place place; /* first */
    unsigned work;
    unsigned runs;
};

static struct account *accounts;
static struct worker workers[PLACES];
static char order[4 * ACCOUNT_BURST_MS];

static void spend(void)
{
    uint64_t until = loop_monotonic_us() + (uint64_t)ACCOUNT_TURN_MS * 1000;
    while (loop_monotonic_us() < until) {
    }
}

static void work(struct account_place *place)
{
    struct worker *worker = (struct worker *)place;
    worker->runs++;
    if (worker->work == 0 || !account_begin(place)) {
        return;
    }
    while (worker->work > 0) {
        worker->work--;
        order[strlen(order)] = (char)('a' + (worker - workers));
        spend();
        if (account_is_over(place->account)) {
            account_wait(place);
            break;
        }
    }
    account_pause(place->account);
}

static void join(uid_t uid, unsigned which)
{
    account_join(&accounts, loop, uid, &workers[which].place, work);
}

static int make_world(void **state)
{
    memset(workers, 0, sizeof workers);
    memset(order, 0, sizeof order);
    return make_loop(state);
}

static int end_world(void **state)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (workers[i].place.account != NULL) {
            account_part(&workers[i].place);
        }
    }
    accounts_close(accounts); /* what nobody holds has its debts only */
    bool is_empty = accounts == NULL;
    return end_loop(state) == 0 && is_empty ? 0 : -1;
}

#define IN_WORLD(function) cmocka_unit_test_setup_teardown(function, make_world, end_world)

#endif
