#include "scope.h"
#include "support/test.h"
#include "units.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static void sizes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t mib;
    } rows[] = {
        {"512", 512},       {"512M", 512},
        {"512MiB", 512},    {"4G", 4096},
        {"4g", 4096},       {"1.5G", 1536},
        {"0.5gib", 512},    {"2T", 2097152},
        {"2048K", 2},       {"1023K", 0},
        {"0", 0},           {"1TiB", 1048576},
        {"1.25T", 1310720}, {"953674T", 999999668224},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t mib = -7;
        assert_true(size_from_text(rows[i].text, &mib));
        assert_int_equal(mib, rows[i].mib);
    }
}

static void a_disk_is_whole_GiB_and_never_less_than_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t gib;
    } rows[] = {{"10G", 10}, {"1500M", 2}, {"1", 1}, {"10240.5M", 11}, {"1.25T", 1280}, {"0", 0}};
    int64_t gib = -7;
    assert_false(disk_size_from_text("big", &gib));
    assert_int_equal(gib, -7);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_true(disk_size_from_text(rows[i].text, &gib));
        assert_int_equal(gib, rows[i].gib);
    }
}

static void what_is_no_size_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",  "G",     "4 G", " 4G",  "-4G", "+4",    "4X",  "4GB", "4G4",     "1.",
        ".", "1.2.3", "1e3", "0x10", "inf", "4GiBs", "nan", "1,5", "954000T", "9999999999999"};

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t mib = -7;
        if (size_from_text(rows[i], &mib)) {
            fail_msg("'%s' is taken for a size", rows[i]);
        }
        assert_int_equal(mib, -7);
    }
}

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"12s", 12},    {"90", 90},     {"3d4h", 273600}, {"1w", 604800},         {"1h30m", 5400},
        {"1.5h", 5400}, {"1.1h", 3960}, {"0", 0},         {"1w1d1h1m1s", 694861},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t seconds = -7;
        assert_true(duration_from_text(rows[i].text, &seconds));
        assert_int_equal(seconds, rows[i].seconds);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",     "s",  "4h3d",  "1h1h", "1h30", "3 d",  "-1s", "1ms", "1y", "99999999999999s",
        "1h s", "1D", "1m1m1", "d4h",  "1.5s", "0.01m"};

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t seconds = -7;
        if (duration_from_text(rows[i], &seconds)) {
            fail_msg("'%s' is taken for a duration", rows[i]);
        }
        assert_int_equal(seconds, -7);
    }
}

static void percents_and_numbers_are_read(void **state)
{
    (void)state;
    double number = -7;

    assert_true(percent_from_text("12.5%", &number));
    assert_true(number == 12.5);
    assert_true(percent_from_text("90", &number));
    assert_true(number == 90);
    assert_true(number_from_text("0.25", &number));
    assert_true(number == 0.25);
    assert_true(number_from_text(".5", &number));
    assert_true(number == 0.5);
    assert_false(percent_from_text("%", &number));
    assert_false(percent_from_text("5%%", &number));
    assert_false(number_from_text("5%", &number));
    assert_false(number_from_text("", &number));
    assert_true(number == 0.5);
}

typedef const char *size_printer(char text[UNIT_TEXT], int64_t value);

struct printed {
    int64_t value;
    const char *text;
};

static void expect_printed(size_printer *print, const struct printed *rows, size_t count,
                           size_t width)
{
    for (size_t i = 0; i < count; i++) {
        char text[UNIT_TEXT];
        assert_string_equal(print(text, rows[i].value), rows[i].text);
        assert_in_range(strlen(text), 1, width);
    }
}

static void sizes_are_printed(void **state)
{
    (void)state;
    static const struct printed rows[] = {
        {-1, "-"},        {0, "0M"},         {512, "512M"},      {1023, "1023M"},
        {1024, "1G"},     {1536, "1.5G"},    {4096, "4G"},       {65536, "64G"},
        {215040, "210G"}, {102298, "99.9G"}, {102399, "100G"},   {1048575, "1024G"},
        {1048576, "1T"},  {2202009, "2.1T"}, {1073741824, "1P"}, {10737418240, "10P"},
    };

    expect_printed(size_text, rows, ARRAY_LENGTH(rows), 5);
}

static void rates_are_printed(void **state)
{
    (void)state;
    static const struct printed rows[] = {
        {-1, "-"},
        {0, "0"},
        {999, "999"},
        {1000, "1k"},
        {310499, "310k"},
        {999499, "999k"},
        {999500, "1M"},
        {81000000, "81M"},
        {999499999, "999M"},
        {999500000, "1G"},
        {1200000000, "1.2G"},
        {9949999999, "9.9G"},
        {9960000000, "10G"},
        {81000000000, "81G"},
        {1500000000000, "1.5T"},
    };

    expect_printed(rate_text, rows, ARRAY_LENGTH(rows), 4);
}

static void durations_are_printed(void **state)
{
    (void)state;
    static const struct printed rows[] = {
        {-1, "-"},        {0, "0s"},          {12, "12s"},
        {59, "59s"},      {60, "1m"},         {3599, "59m"},
        {3600, "1h"},     {22320, "6h12m"},   {21600, "6h"},
        {36060, "10h"},   {86399, "23h"},     {86400, "1d"},
        {273600, "3d4h"}, {863999, "9d23h"},  {864000, "10d"},
        {7948800, "92d"}, {17625600, "204d"}, {863999999, "9999d"},
    };

    expect_printed(duration_text, rows, ARRAY_LENGTH(rows), 5);
}

static void parts_of_a_whole_share_its_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t part;
        int64_t whole;
        const char *text;
    } rows[] = {
        {14541, 16384, "14.2/16G"},
        {210, 512, "210/512M"},
        {-1, 8192, "-/8G"},
        {3072, 4096, "3.0/4G"},
        {212000, 262144, "207/256G"},
        {0, 512, "0/512M"},
        {-1, -1, "-/-"},
        {943718, 2097152, "0.9/2T"},
        {104755, 104755, "102/102G"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[UNIT_TEXT];
        assert_string_equal(size_part_text(text, rows[i].part, rows[i].whole), rows[i].text);
        assert_in_range(strlen(text), 1, 11);
    }
}

static void percents_are_printed(void **state)
{
    (void)state;
    static const struct {
        double percent;
        const char *text;
        const char *whole;
    } rows[] = {
        {0, "0.0", "0%"},        {0.34, "0.3", "0%"},    {93.06, "93.1", "93%"},
        {99.94, "99.9", "100%"}, {99.96, "100", "100%"}, {1600, "1600", "1600%"},
        {NAN, "-", "-"},         {-1, "-", "-"},         {INFINITY, "-", "-"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[UNIT_TEXT];
        assert_string_equal(percent_text(text, rows[i].percent), rows[i].text);
        assert_in_range(strlen(text), 1, 4);
        assert_string_equal(percent_whole_text(text, rows[i].percent), rows[i].whole);
        assert_in_range(strlen(text), 1, 5);
    }
}

static void what_is_over_a_limit_is_said_with_its_unit(void **state)
{
    char text[UNIT_TEXT];
    (void)state;
    assert_string_equal(over_text(text, 640, 512, "MiB"), "over by 128 MiB");
    assert_string_equal(over_text(text, 3, 1, "VMs"), "over by 2 VMs");
    assert_string_equal(over_text(text, 1, 0, "vCPUs"), "over by 1 vCPU");
    assert_string_equal(over_text(text, 512, 512, "MiB"), "");
    assert_string_equal(over_text(text, 512, -1, "MiB"), "");
}

static void no_number_is_too_large_to_print(void **state)
{
    (void)state;
    char text[UNIT_TEXT];

    assert_non_null(strchr(size_text(text, INT64_MAX), 'P'));
    assert_non_null(strchr(rate_text(text, INT64_MAX), 'P'));
    assert_non_null(strchr(duration_text(text, INT64_MAX), 'd'));
    assert_in_range(strlen(size_part_text(text, INT64_MAX, INT64_MAX)), 1, UNIT_TEXT - 1);
    assert_in_range(strlen(size_part_text(text, INT64_MAX, 1)), 1, UNIT_TEXT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sizes_are_read),
        TEST(a_disk_is_whole_GiB_and_never_less_than_asked_for),
        TEST(what_is_no_size_is_refused_and_writes_nothing),
        TEST(durations_are_read),
        TEST(what_is_no_duration_is_refused),
        TEST(percents_and_numbers_are_read),
        TEST(sizes_are_printed),
        TEST(rates_are_printed),
        TEST(durations_are_printed),
        TEST(parts_of_a_whole_share_its_unit),
        TEST(percents_are_printed),
        TEST(what_is_over_a_limit_is_said_with_its_unit),
        TEST(no_number_is_too_large_to_print),
    };
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed: a comma there is no comma here */
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
