/* Times and spans in lists for people. */
#include "support/test.h"

#include "cli/listing.h"

#include <stdlib.h>
#include <time.h>

enum { HOUR_MS = 3600 * 1000 };

/* 2026-11-29T21:41:52.500Z */
static const int64_t now_ms = INT64_C(1795988512500);

static void a_time_of_today_has_no_date_and_one_of_another_year_no_seconds(void **state)
{
    (void)state;
    char text[LISTING_TIME];
    setenv("TZ", "UTC", 1);
    tzset();
    assert_string_equal(listing_time(text, now_ms, now_ms), "21:41:52");
    assert_string_equal(listing_time(text, now_ms - 21 * HOUR_MS, now_ms), "00:41:52");
    assert_string_equal(listing_time(text, now_ms - 22 * HOUR_MS, now_ms), "Nov 28 23:41:52");
    assert_string_equal(listing_time(text, now_ms - INT64_C(365) * 24 * HOUR_MS, now_ms),
                        "2025-11-29 21:41");
}

static void the_clock_is_that_on_the_wall(void **state)
{
    (void)state;
    char text[LISTING_TIME];
    setenv("TZ", "EAT-3", 1);
    tzset();
    assert_string_equal(listing_time(text, now_ms, now_ms), "00:41:52");
    assert_string_equal(listing_time(text, now_ms - HOUR_MS, now_ms), "Nov 29 23:41:52");
}

static void short_spans_have_tenths(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "0.0s"},        {99, "0.0s"},      {840, "0.8s"}, {9999, "9.9s"},
        {10 * 1000, "10s"}, {90 * 1000, "1m"}, {-5, "-"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[LISTING_TIME];
        assert_string_equal(listing_took(text, rows[i].ms), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_of_today_has_no_date_and_one_of_another_year_no_seconds),
        cmocka_unit_test(the_clock_is_that_on_the_wall),
        cmocka_unit_test(short_spans_have_tenths),
    };
    return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
