/* steady: a clock that jumped is not believed for a day. */
#include "support/test.h"

#include "reads/steady.h"
#include "scope.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define NOW INT64_C(1790000000000)

static void a_clock_that_goes_on_is_believed(void **state)
{
    (void)state;
    struct steady steady;
    steady_begin(&steady, NOW - HOUR_MS, NOW, 5000);
    for (int64_t day = 0; day < 100; day++) {
        assert_true(steady_look(&steady, NOW + day * DAY_MS, 5000 + (uint64_t)(day * DAY_MS)));
    }
}

static void a_jump_either_way_is_not_believed_for_a_day(void **state)
{
    (void)state;
    static const int64_t jumps[] = {DAY_MS, -DAY_MS, 100 * DAY_MS, -NOW};
    for (size_t i = 0; i < ARRAY_LENGTH(jumps); i++) {
        struct steady steady;
        steady_begin(&steady, NOW, NOW, 5000);
        assert_true(steady_look(&steady, NOW + HOUR_MS, 5000 + HOUR_MS));
        assert_false(steady_look(&steady, NOW + jumps[i] + 2 * HOUR_MS, 5000 + 2 * HOUR_MS));
        assert_false(steady_look(&steady, NOW + jumps[i] + 25 * HOUR_MS, 5000 + 25 * HOUR_MS));
        assert_true(steady_look(&steady, NOW + jumps[i] + 26 * HOUR_MS, 5000 + 26 * HOUR_MS));
    }
}

static void a_start_long_after_the_last_word_is_taken_for_a_jump(void **state)
{
    (void)state;
    struct steady steady;
    steady_begin(&steady, NOW - 2 * DAY_MS, NOW, 5000);
    assert_false(steady_look(&steady, NOW, 5000));
    assert_true(steady_look(&steady, NOW + DAY_MS, 5000 + DAY_MS));
    steady_begin(&steady, NOW + 2 * DAY_MS, NOW, 5000);
    assert_false(steady_look(&steady, NOW, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_goes_on_is_believed),
        cmocka_unit_test(a_jump_either_way_is_not_believed_for_a_day),
        cmocka_unit_test(a_start_long_after_the_last_word_is_taken_for_a_jump),
    };
    return cmocka_run_group_tests_name("steady", tests, NULL, NULL);
}
