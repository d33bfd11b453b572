/* rate: a user's jobs have a burst, then a pace of their own. */
#include "support/test.h"

#include "loop/loop.h"
#include "ops/rate.h"

enum { BURST = RATE_BURST_MS / RATE_JOB_MS, MANY = 10 };

static struct rate *rate; /* it is never freed */

static void after_a_burst_jobs_are_so_far_apart(void **state)
{
    (void)state;
    rate = rate_new();
    uint64_t begun = loop_monotonic_ms();
    for (int i = 0; i < BURST; i++) {
        assert_true(rate_sends_at(rate, 1000) <= loop_monotonic_ms());
        rate_sent(rate, 1000);
    }
    for (int i = 0; i < MANY; i++) {
        rate_sent(rate, 1000);
    }
    assert_true(rate_sends_at(rate, 1000) >= begun + (uint64_t)MANY * RATE_JOB_MS);
    assert_true(rate_sends_at(rate, 1000) <= loop_monotonic_ms() + (uint64_t)MANY * RATE_JOB_MS);
    assert_true(rate_sends_at(rate, 1001) <= loop_monotonic_ms()); /* another's are his own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_burst_jobs_are_so_far_apart),
    };
    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
