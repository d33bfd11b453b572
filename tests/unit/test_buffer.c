/* buffer: growth, failure that sticks, and JSON that is JSON whatever goes in. */
#include "support/test.h"

#include "buffer.h"
#include "scope.h"
#include "utf8.h"

#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

static void expect_text(struct buffer *buffer, const char *expected)
{
    assert_string_equal(buffer_text(buffer), expected);
    buffer_free(buffer);
}

static void what_is_added_stands_in_order(void **state)
{
    (void)state;
    struct buffer buffer = {0};

    buffer_add_text(&buffer, "");
    buffer_add(&buffer, NULL, 0);
    assert_null(buffer.data);
    buffer_add_text(&buffer, "a");
    buffer_add_char(&buffer, 'b');
    buffer_add_format(&buffer, "%s-%d", "c", 42);
    buffer_add(&buffer, "d\0e", 3);

    assert_int_equal(buffer.length, 9);
    assert_memory_equal(buffer.data, "abc-42d\0e", 9);
    buffer_free(&buffer);
}

static void it_grows_to_a_megabyte_byte_by_byte(void **state)
{
    (void)state;
    struct buffer buffer = {0};

    for (int i = 0; i < 1 << 20; i++) {
        buffer_add_char(&buffer, (char)('a' + i % 26));
    }

    assert_int_equal(buffer.length, 1 << 20);
    for (int i = 0; i < 1 << 20; i += 997) {
        assert_int_equal(buffer.data[i], 'a' + i % 26);
    }
    buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    assert_true(buffer.capacity >= 1 << 20);
    buffer_free(&buffer);
}

static void a_long_format_fits_exactly(void **state)
{
    (void)state;
    for (int width = 120; width < 140; width++) { /* around the first block's size */
        struct buffer buffer = {0};
        buffer_add_format(&buffer, "%*d", width, 7);
        assert_int_equal(buffer.length, width);
        assert_int_equal(buffer.data[width - 1], '7');
        buffer_free(&buffer);
    }
}

static void a_failure_sticks_until_it_is_cleared(void **state)
{
    (void)state;
    struct buffer buffer = {.failed = true};

    buffer_add_text(&buffer, "lost");

    assert_int_equal(buffer.length, 0);
    assert_null(buffer_text(&buffer));
    assert_null(buffer_take(&buffer));
    assert_false(buffer.failed); /* taken: empty and sound */
}

static void what_is_taken_is_the_callers(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    AUTO(free) char *empty = buffer_take(&buffer);
    assert_string_equal(empty, "");

    buffer_add_text(&buffer, "mine");
    AUTO(free) char *text = buffer_take(&buffer);

    assert_string_equal(text, "mine");
    assert_null(buffer.data);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *json;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\t\r\x01\x1f\x7f", "\"\\n\\t\\u000d\\u0001\\u001f\\u007f\""},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"</script>", "\"</script>\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer buffer = {0};
        buffer_add_json_string(&buffer, rows[i].text);
        expect_text(&buffer, rows[i].json);
    }
}

#define REPLACED "\xEF\xBF\xBD"

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *json;
    } rows[] = {
        {"a\xFFz", "\"a" REPLACED "z\""},
        {"\xC0\xAF", "\"" REPLACED REPLACED "\""},                           /* overlong */
        {"\xED\xA0\x80", "\"" REPLACED REPLACED REPLACED "\""},              /* a surrogate */
        {"\xF4\x90\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\""}, /* past the end */
        {"\xE2\x82", "\"" REPLACED REPLACED "\""},                           /* cut */
        {"\x80", "\"" REPLACED "\""},
        {"\xE0\x9F\xBF", "\"" REPLACED REPLACED REPLACED "\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer buffer = {0};
        buffer_add_json_string(&buffer, rows[i].text);
        expect_text(&buffer, rows[i].json);
    }
}

static void any_bytes_make_a_json_string(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1103515245u + 12345u;
            bytes[i] = (char)(seed >> 16);
        }
        struct buffer buffer = {0};
        buffer_add_json_string_n(&buffer, bytes, sizeof bytes);
        AUTO(json_object_put) struct json_object *json = json_tokener_parse(buffer_text(&buffer));
        assert_true(json_object_is_type(json, json_type_string));
        for (size_t i = 0; i < buffer.length;) {
            size_t length = utf8_length(buffer.data + i, buffer.length - i);
            assert_true(length > 0);
            i += length;
        }
        buffer_free(&buffer);
    }
}

static void numbers_are_written_as_json_reads_them(void **state)
{
    (void)state;
    struct buffer buffer = {0};

    buffer_add_json_int(&buffer, 0);
    buffer_add_char(&buffer, ' ');
    buffer_add_json_int(&buffer, INT64_MIN);
    buffer_add_char(&buffer, ' ');
    buffer_add_json_int(&buffer, INT64_MAX);
    buffer_add_char(&buffer, ' ');
    buffer_add_json_number(&buffer, 12.34, 1);
    buffer_add_char(&buffer, ' ');
    buffer_add_json_number(&buffer, -0.005, 2);
    buffer_add_char(&buffer, ' ');
    buffer_add_json_number(&buffer, (double)NAN, 1);
    buffer_add_char(&buffer, ' ');
    buffer_add_json_number(&buffer, (double)-INFINITY, 1);
    buffer_add_char(&buffer, ' ');
    buffer_add_json_number(&buffer, 1e300, 1);

    expect_text(&buffer, "0 -9223372036854775808 9223372036854775807 12.3 -0.01 null null 1e+300");
}

static void times_are_rfc_3339_with_three_decimals(void **state)
{
    (void)state;
    struct buffer buffer = {0};

    buffer_add_json_time(&buffer, 0);
    buffer_add_json_time(&buffer, INT64_C(1795457640007));
    buffer_add_json_time(&buffer, -1);
    buffer_add_json_time(&buffer, INT64_MAX); /* no calendar has that year */

    expect_text(&buffer, "\"1970-01-01T00:00:00.000Z\"\"2026-11-23T18:14:00.007Z\""
                         "\"1969-12-31T23:59:59.999Z\"null");
}

static void an_address_has_no_byte_that_means_something_else(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    buffer_add_encoded(&buffer, "a-Z_0.~ /&=#%?\x7f\xc3\xa4", "/");
    assert_string_equal(buffer_text(&buffer), "a-Z_0.~%20/%26%3D%23%25%3F%7F%C3%A4");
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_stands_in_order),
        TEST(it_grows_to_a_megabyte_byte_by_byte),
        TEST(a_long_format_fits_exactly),
        TEST(a_failure_sticks_until_it_is_cleared),
        TEST(what_is_taken_is_the_callers),
        TEST(strings_are_escaped),
        TEST(bytes_that_are_no_utf8_are_replaced),
        TEST(any_bytes_make_a_json_string),
        TEST(numbers_are_written_as_json_reads_them),
        TEST(times_are_rfc_3339_with_three_decimals),
        TEST(an_address_has_no_byte_that_means_something_else),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
