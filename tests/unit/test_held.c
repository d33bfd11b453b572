#include "store/held.h"
#include "support/test.h"

#include "support/store_world.h"

static void expect_within(const struct held *held, unsigned per_mille, uint64_t exact)
{
    uint64_t told = held_percentile(held, per_mille);
    if (told < exact || told > exact + exact / 16) {
        fail_msg("%u of 1000: told %llu, exact is %llu", per_mille, (unsigned long long)told,
                 (unsigned long long)exact);
    }
}

static void what_was_never_held_has_no_percentile(void **state)
{
    (void)state;
    const struct held held = {0};

    assert_int_equal(held_percentile(&held, 990), 0);
}

static void one_time_is_every_percentile_exactly(void **state)
{
    (void)state;
    static const uint64_t times[] = {0, 1, 15, 16, 17, 31, 32, 1000, 123456789, 1ULL << 39};

    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        struct held held = {0};
        held_note(&held, times[i]);

        assert_int_equal(held_percentile(&held, 1), times[i]);
        assert_int_equal(held_percentile(&held, 500), times[i]);
        assert_int_equal(held_percentile(&held, 1000), times[i]);
    }
}

static void a_percentile_is_at_most_a_sixteenth_too_long(void **state)
{
    (void)state;
    struct held held = {0};

    for (uint64_t i = 1000; i > 0; i--) {
        held_note(&held, i * 1000);
    }

    assert_int_equal(held.count, 1000);
    for (unsigned per_mille = 1; per_mille <= 1000; per_mille++) {
        expect_within(&held, per_mille, per_mille * 1000ULL);
    }
}

static void one_slow_of_a_hundred_is_the_maximum_and_not_the_99th_percentile(void **state)
{
    (void)state;
    struct held held = {0};

    held_note(&held, 1000000000);
    for (int i = 0; i < 99; i++) {
        held_note(&held, 1000);
    }

    expect_within(&held, 990, 1000);
    assert_int_equal(held_percentile(&held, 991), 1000000000);
    assert_int_equal(held.longest_ns, 1000000000);
}

static void what_is_longer_than_all_buckets_is_told_as_the_longest(void **state)
{
    (void)state;
    struct held held = {0};

    held_note(&held, 7);
    held_note(&held, 3ULL << 40);
    held_note(&held, UINT64_MAX);

    assert_int_equal(held_percentile(&held, 333), 7);
    assert_int_equal(held_percentile(&held, 500), UINT64_MAX);
    assert_int_equal(held_percentile(&held, 1000), UINT64_MAX);
}

static void each_transaction_is_noted_once_however_it_ends(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(store->write_lock.count, 0); /* the migrations are not */

    assert_int_equal(count_boot(store), 1);

    assert_int_equal(store->write_lock.count, 1);
    assert_true(store->write_lock.longest_ns > 0);
    transaction_end(transaction_begin(store, &err)); /* rolls back */
    assert_int_equal(store->write_lock.count, 2);
    assert_true(store->write_lock.longest_ns < 60000000000ULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_never_held_has_no_percentile),
        TEST(one_time_is_every_percentile_exactly),
        TEST(a_percentile_is_at_most_a_sixteenth_too_long),
        TEST(one_slow_of_a_hundred_is_the_maximum_and_not_the_99th_percentile),
        TEST(what_is_longer_than_all_buckets_is_told_as_the_longest),
        IN_DIR(each_transaction_is_noted_once_however_it_ends),
    };
    return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
