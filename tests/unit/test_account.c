/* account: what a user's connections take together, and that each of them comes round. */
#include "support/test.h"

#include "support/loop_world.h"

#include "rpc/account.h"
#include "scope.h"

#include <string.h>
#include <unistd.h>

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

static bool all_is_done(void)
{
    unsigned left = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        left += workers[i].work;
    }
    return left == 0;
}

static void one_user_s_connections_take_turns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES; i++) {
        join(1000, i);
        workers[i].work = 3;
        work(&workers[i].place);
    }
    assert_string_equal(order, "a"); /* the turn is spent by the first */
    assert_true(loop_until(all_is_done));
    assert_string_equal(order, "aabcdabcdbcd"); /* the first is the first in the row as well */
}

static void another_user_has_a_turn_of_his_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES; i++) {
        join(i == 3 ? 1001 : 1000, i);
        workers[i].work = 2;
        work(&workers[i].place);
    }
    assert_string_equal(order, "ad"); /* whatever the three have done */
    assert_true(loop_until(all_is_done));
    assert_ptr_not_equal(strchr(order, 'd'), strrchr(order, 'd'));
    assert_true(strrchr(order, 'd') < strrchr(order, 'c'));
}

/* Two bursts of work take the time in which the second is earned, at least. */
static void after_a_burst_a_user_has_a_part_of_a_processor(void **state)
{
    (void)state;
    enum { BURST = ACCOUNT_BURST_MS / ACCOUNT_TURN_MS, EARNED_IN_MS = 300 };
    join(geteuid() + 1, 0);
    workers[0].work = 2 * BURST;
    uint64_t begun = loop_monotonic_ms();
    work(&workers[0].place);
    assert_true(loop_until(all_is_done));
    assert_true(loop_monotonic_ms() - begun >= EARNED_IN_MS);
    assert_non_null(workers[0].place.account->rest);
}

static bool second_is_done(void)
{
    return workers[1].work == 0;
}

static void another_user_goes_on_while_one_rests(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    join(geteuid() + 2, 1);
    workers[0].place.account->credit_us = INT64_MIN / 2;
    workers[0].work = 1;
    work(&workers[0].place);
    workers[1].work = 10;
    work(&workers[1].place);
    assert_true(loop_until(second_is_done));
    assert_string_equal(order, "bbbbbbbbbb");
}

static void lodged_s_own_user_never_rests(void **state)
{
    (void)state;
    join(geteuid(), 0);
    workers[0].work = 2 * ACCOUNT_BURST_MS / ACCOUNT_TURN_MS;
    work(&workers[0].place);
    assert_true(loop_until(all_is_done));
    assert_null(workers[0].place.account->rest);
}

static void whoever_leaves_the_row_is_not_run(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES; i++) {
        join(1000, i);
        workers[i].work = 1;
        work(&workers[i].place);
    }
    account_part(&workers[1].place);
    account_part(&workers[3].place); /* the last */
    workers[1].work = 0;
    workers[3].work = 0;
    assert_true(loop_until(all_is_done));
    assert_string_equal(order, "ac");
}

static void one_long_line_always_goes_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES; i++) {
        join(1000, i);
        account_weigh(&workers[i].place, ACCOUNT_READ / PLACES, 0);
    }
    assert_true(account_may_read(&workers[2].place)); /* the first that asks */
    assert_false(account_may_read(&workers[0].place));
    assert_true(account_may_read(&workers[2].place));
    account_weigh(&workers[2].place, ACCOUNT_READ / PLACES + 4096, 0);
    assert_true(account_may_read(&workers[2].place));
    workers[0].runs = 0;
    account_weigh(&workers[2].place, ACCOUNT_LINE, 0); /* it was handled: there is room, and said */
    loop_run_once(loop);
    assert_int_equal(workers[0].runs, 1);
    assert_true(account_may_read(&workers[0].place));
}

static void a_short_line_is_read_whatever_others_hold(void **state)
{
    (void)state;
    join(1000, 0);
    join(1000, 1);
    account_weigh(&workers[0].place, 2 * ACCOUNT_READ, 0);
    assert_true(account_may_read(&workers[0].place));
    account_weigh(&workers[1].place, ACCOUNT_LINE, 0);
    assert_true(account_may_read(&workers[1].place));
    account_weigh(&workers[1].place, ACCOUNT_LINE + 1, 0);
    assert_false(account_may_read(&workers[1].place));
}

static void nothing_is_answered_while_too_much_is_unsent(void **state)
{
    (void)state;
    join(1000, 0);
    join(1000, 1);
    join(1001, 2);
    account_weigh(&workers[0].place, 0, ACCOUNT_UNSENT);
    assert_false(account_may_answer(workers[1].place.account));
    assert_true(account_may_answer(workers[2].place.account));
    account_weigh(&workers[0].place, 0, 0);
    loop_run_once(loop);
    assert_int_equal(workers[1].runs, 1);
    assert_int_equal(workers[2].runs, 0); /* he did not wait */
    assert_true(account_may_answer(workers[1].place.account));
}

/* Seats */

enum { CALLS = 5 };

struct call_of_user {
    struct sitter sitter; /* first */
    bool began;
};

static struct call_of_user calls[CALLS];

static void begin(struct sitter *sitter)
{
    ((struct call_of_user *)sitter)->began = true;
}

static unsigned count_begun(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        count += calls[i].began;
    }
    return count;
}

static void come(struct account *account)
{
    memset(calls, 0, sizeof calls);
    for (unsigned i = 0; i < CALLS; i++) {
        calls[i].sitter.begin = begin;
        calls[i].began = account_sit(account, SEAT_STORE, 0, &calls[i].sitter);
    }
}

static void so_many_calls_sit_and_the_others_stand_in_line(void **state)
{
    (void)state;
    join(1000, 0);
    struct account *account = workers[0].place.account;
    come(account);
    assert_int_equal(count_begun(), 2);
    assert_true(account_sit(account, SEAT_XML, 0, &(struct sitter){.begin = begin}));
    account_stand_up(account, &calls[3].sitter); /* its client has gone */
    account_stand_up(account, &calls[0].sitter);
    assert_false(calls[2].began); /* not in the middle of another's end */
    loop_run_once(loop);
    assert_true(calls[2].began);
    assert_int_equal(count_begun(), 3);
    account_stand_up(account, &calls[1].sitter);
    account_stand_up(account, &calls[2].sitter);
    loop_run_once(loop);
    assert_true(calls[4].began);
    assert_false(calls[3].began);
}

static void a_host_that_hangs_holds_no_seat_of_another(void **state)
{
    struct sitter first[3] = {{.begin = begin}, {.begin = begin}, {.begin = begin}};
    struct sitter other = {.begin = begin};
    (void)state;
    join(1000, 0);
    struct account *account = workers[0].place.account;
    assert_true(account_sit(account, SEAT_XML, 0, &first[0]));
    assert_true(account_sit(account, SEAT_XML, 0, &first[1]));
    assert_false(account_sit(account, SEAT_XML, 0, &first[2]));
    assert_true(account_sit(account, SEAT_XML, 1, &other));
    account_stand_up(account, &other);
    account_stand_up(account, &first[2]);
}

static void seats_are_each_user_s_own(void **state)
{
    (void)state;
    join(1000, 0);
    join(1001, 1);
    come(workers[0].place.account);
    struct sitter other = {.begin = begin};
    assert_true(account_sit(workers[1].place.account, SEAT_STORE, 0, &other));
    account_stand_up(workers[1].place.account, &other);
}

/* What calls cost elsewhere */

static void sit_for(struct account *account, enum seat_kind kind, unsigned count, unsigned ms)
{
    struct sitter sitters[4] = {{.begin = begin}, {.begin = begin}, {.begin = begin}};
    for (unsigned i = 0; i < count; i++) {
        assert_true(account_sit(account, kind, 0, &sitters[i]));
    }
    for (unsigned i = 0; i < ms; i++) {
        spend();
    }
    for (unsigned i = 0; i < count; i++) {
        account_stand_up(account, &sitters[i]);
    }
}

static void what_workers_do_for_a_user_is_of_his_time(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    int64_t before = account->credit_us;
    int64_t begun = (int64_t)loop_monotonic_us();
    sit_for(account, SEAT_STORE, 2, 2); /* one worker, for both */
    int64_t passed = (int64_t)loop_monotonic_us() - begun;
    assert_in_range(before - account->credit_us, 2000, passed);
    before = account->credit_us;
    sit_for(account, SEAT_XML, 2, 2); /* one each */
    assert_in_range(before - account->credit_us, 4000, 2 * SEATS_WAIT_MOST_MS * 1000);
    before = account->credit_us;
    sit_for(account, SEAT_XML, 1, 2 * SEATS_WAIT_MOST_MS); /* a host that hangs */
    assert_int_equal(before - account->credit_us, SEATS_WAIT_MOST_MS * 1000);
    before = account->credit_us;
    sit_for(account, SEAT_STORE, 1, 2 * SEATS_COST_MOST_MS);
    assert_int_equal(before - account->credit_us, SEATS_COST_MOST_MS * 1000);
}

static void many_calls_at_once_make_no_long_rest(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    account->credit_us = 1;
    for (int i = 0; i < 8; i++) {
        sit_for(account, SEAT_SCREEN, 4, SEATS_WAIT_MOST_MS);
    }
    assert_int_equal(account->credit_us, -ACCOUNT_DEBT_MS * 1000);
}

static bool two_more_have_begun(void)
{
    return count_begun() == 4;
}

static void who_has_no_time_left_begins_no_call(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    come(account);
    account->credit_us = -1000 * ACCOUNT_TURN_MS;
    account->credited_us = loop_monotonic_us();
    account_stand_up(account, &calls[0].sitter);
    loop_run_once(loop);
    assert_int_equal(count_begun(), 2);
    for (unsigned i = 1; i < CALLS; i++) {
        account_stand_up(account, &calls[i].sitter);
    }
}

static void to_hang_up_and_come_back_pays_no_debts(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    workers[0].place.account->credit_us = -500 * 1000;
    account_part(&workers[0].place);
    assert_non_null(accounts);
    join(geteuid() + 1, 0);
    assert_true(workers[0].place.account->credit_us < 0);
    workers[0].work = 1;
    work(&workers[0].place);
    assert_string_equal(order, "");
}

static bool nobody_is_known(void)
{
    return accounts == NULL;
}

static void who_owes_nothing_is_forgotten(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    workers[0].place.account->credit_us -= 5 * 1000;
    account_part(&workers[0].place);
    assert_true(loop_until(nobody_is_known));
    join(geteuid() + 1, 0);
    account_part(&workers[0].place);
    assert_null(accounts); /* at once */
}

/* It stood in line while there was no time, and nothing else of its user's happens. */
static void a_call_in_line_is_begun_when_there_is_time_again(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    struct account *account = workers[0].place.account;
    come(account);
    account->credit_us = -2000;
    account->credited_us = loop_monotonic_us();
    account_stand_up(account, &calls[0].sitter);
    account_stand_up(account, &calls[1].sitter);
    assert_true(loop_until(two_more_have_begun));
    for (unsigned i = 2; i < CALLS; i++) {
        account_stand_up(account, &calls[i].sitter);
    }
}

static void what_was_read_beside_is_not_forgotten_by_hanging_up(void **state)
{
    (void)state;
    join(geteuid() + 1, 0);
    while (account_may_read_beside(workers[0].place.account)) {
        account_has_read_beside(workers[0].place.account);
    }
    account_part(&workers[0].place);
    join(geteuid() + 1, 0);
    assert_false(account_may_read_beside(workers[0].place.account));
}

static void so_much_is_read_beside_a_user_s_answers(void **state)
{
    (void)state;
    enum { BURST = ACCOUNT_BESIDE_BURST_MS / ACCOUNT_BESIDE_MS };
    join(geteuid() + 1, 0);
    join(geteuid(), 1);
    unsigned count = 0;
    while (count < 2 * BURST && account_may_read_beside(workers[0].place.account)) {
        account_has_read_beside(workers[0].place.account);
        account_has_read_beside(workers[1].place.account);
        count++;
    }
    assert_in_range(count, BURST, 2 * BURST - 1);
    assert_true(account_may_read_beside(workers[1].place.account)); /* lodged's own user */
}

#define IN_WORLD(function) cmocka_unit_test_setup_teardown(function, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(one_user_s_connections_take_turns),
        IN_WORLD(another_user_has_a_turn_of_his_own),
        IN_WORLD(after_a_burst_a_user_has_a_part_of_a_processor),
        IN_WORLD(another_user_goes_on_while_one_rests),
        IN_WORLD(lodged_s_own_user_never_rests),
        IN_WORLD(whoever_leaves_the_row_is_not_run),
        IN_WORLD(one_long_line_always_goes_on),
        IN_WORLD(a_short_line_is_read_whatever_others_hold),
        IN_WORLD(nothing_is_answered_while_too_much_is_unsent),
        IN_WORLD(so_many_calls_sit_and_the_others_stand_in_line),
        IN_WORLD(a_host_that_hangs_holds_no_seat_of_another),
        IN_WORLD(seats_are_each_user_s_own),
        IN_WORLD(what_workers_do_for_a_user_is_of_his_time),
        IN_WORLD(many_calls_at_once_make_no_long_rest),
        IN_WORLD(who_has_no_time_left_begins_no_call),
        IN_WORLD(to_hang_up_and_come_back_pays_no_debts),
        IN_WORLD(who_owes_nothing_is_forgotten),
        IN_WORLD(a_call_in_line_is_begun_when_there_is_time_again),
        IN_WORLD(what_was_read_beside_is_not_forgotten_by_hanging_up),
        IN_WORLD(so_much_is_read_beside_a_user_s_answers),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
