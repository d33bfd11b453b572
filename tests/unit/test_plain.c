#include "plain.h"
#include "scope.h"
#include "support/test.h"

#include <stdlib.h>

static void what_is_seen_is_plain(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "web-1",        "a b",        "Z\u00fcrich", "\u65e5\u672c",
        "e\u0301",    "\u05d0\u0628", "\U0001f600", "a,b",         "\U00013000",
        "\U0001fffd", "\ufffd"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_true(text_is_plain(texts[i]));
    }
}

static void what_is_not_seen_is_not(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a\nb",
        "a\tb",
        "\x1b[2J",
        "\x7f",
        "\xc2\x80",
        ("a\xc2\x9b"
         "31m"),
        "\u200b",
        "a\u200d",
        "\u200e",
        "\u2028",
        "\u202e",
        "\u2066",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\ufe0f",
        "\u3164",
        "\U000e0041",
        "\U00013430",
        "\U0001345f",
        "\ufffe",
        "\uffff",
        "\ufdd0",
        "\U0001fffe",
        "\U0001ffff",
        "\U0010ffff",
        "\xff",
        "\xc0\x80",
        "\xed\xa0\x80",
        "cut \xe6\x97",
        "\x9b",
        "\u061c",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        assert_false(text_is_plain(texts[i]));
        assert_false(text_is_word(texts[i]));
    }
}

static void a_word_has_no_room_in_it(void **state)
{
    (void)state;
    static const char *const none[] = {"", " ", "a b", "a\u00a0b", "\u3000", "a,b", "\u2003x"};
    for (size_t i = 0; i < ARRAY_LENGTH(none); i++) {
        assert_false(text_is_word(none[i]));
    }
    assert_true(text_is_word("prod"));
    assert_true(text_is_word("\u65e5\u672c"));
}

static void expect_shown(const char *text, const char *expected)
{
    struct buffer buffer = {0};
    buffer_add_visible(&buffer, text);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_free(&buffer);
}

static void what_is_not_seen_is_shown(void **state)
{
    (void)state;
    expect_shown("", "");
    expect_shown("Z\u00fcrich \u65e5", "Z\u00fcrich \u65e5");
    expect_shown("a\nb\x1b[m\x7f", "a\\nb\\x1b[m\\x7f");
    expect_shown("\xc2\x9b"
                 "31m",
                 "\\x9b31m");
    expect_shown("\x9b"
                 "31m\xff",
                 "\\x9b31m\\xff");
    expect_shown("web\u200b1 \u202e", "web\\u200b1 \\u202e");
    expect_shown("\U000e0041", "\\U000e0041");
}

static void expect_safe(void (*add)(struct buffer *buffer, const char *text), const char *text,
                        const char *expected)
{
    struct buffer buffer = {0};
    add(&buffer, text);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_free(&buffer);
}

static void json_and_xml_say_the_same_without_it(void **state)
{
    (void)state;
    static const char plain[] = "{\"a\": \"Z\u00fcrich\\n\",\n \t\"b\": [1]}";
    expect_safe(buffer_add_safe_json, plain, plain);
    expect_safe(buffer_add_safe_xml, "<a b='\u00fc'>\n</a>", "<a b='\u00fc'>\n</a>");
    expect_safe(buffer_add_safe_json,
                "\"\xc2\x9b"
                "31m\x7f\u200b\u202e\xff\"",
                "\"\\u009b31m\\u007f\\u200b\\u202e\\ufffd\"");
    expect_safe(buffer_add_safe_json, "\"\U000e0041\"", "\"\\udb40\\udc41\"");
    expect_safe(buffer_add_safe_xml,
                "<a>\xc2\x9b"
                "31m\u202e</a>",
                "<a>&#155;31m&#8238;</a>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_seen_is_plain),
        TEST(what_is_not_seen_is_not),
        TEST(a_word_has_no_room_in_it),
        TEST(what_is_not_seen_is_shown),
        TEST(json_and_xml_say_the_same_without_it),
    };
    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
