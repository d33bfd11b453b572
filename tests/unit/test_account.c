/* account: what a user's connections take together, and that each of them comes round. */
#include "support/test.h"

#include "support/account_world.h"

#include <unistd.h>

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
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
