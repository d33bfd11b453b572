#include "scope.h"
#include "support/test.h"
#include "text.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void expect_visible(const char *text, const char *expected)
{
    char *visible = text_visible(text);
    assert_non_null(visible);
    assert_string_equal(visible, expected);
    free(visible);
}

static void nothing_that_moves_a_cursor_survives(void **state)
{
    (void)state;

    expect_visible("", "");
    expect_visible("plain text, 100 %", "plain text, 100 %");
    expect_visible("\x1b[2Jgone", "\\x1b[2Jgone");
    expect_visible("a\tb\nc\rd\x7f", "a\\x09b\\x0ac\\x0dd\\x7f");
    expect_visible("\xff\xfe", "\\xff\\xfe");
    expect_visible("cut \xe6\x97", "cut \\xe6\\x97");
    expect_visible("\xc0\x80", "\\xc0\\x80");
}

static void characters_of_all_scripts_stay(void **state)
{
    (void)state;

    expect_visible("Z\u00fcrich \u65e5\u672c e\u0301 \u05d0",
                   "Z\u00fcrich \u65e5\u672c e\u0301 \u05d0");
    expect_visible("a\u202eb", "a\\u202eb");
    expect_visible("\u200f\u2066\ufeff", "\\u200f\\u2066\\ufeff");
    expect_visible("web\u200b1\u2060\u00ad", "web\\u200b1\\u2060\\u00ad");
    expect_visible("\U000e0041", "\\U000e0041");
    expect_visible("\xc2\x85", "\\xc2\\x85");
}

static void widths_are_cells(void **state)
{
    (void)state;

    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("\u00fc"), 1);
    assert_int_equal(text_width("\u65e5\u672c"), 4);
    assert_int_equal(text_width("e\u0301"), 1);
    assert_int_equal(text_width("\xff"), 1);
}

static void texts_are_cut_to_cells(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t cells;
        enum text_cut cut;
        const char *expected;
        size_t used;
    } rows[] = {
        {"build-runner-07", 15, TEXT_CUT_MIDDLE, "build-runner-07", 15},
        {"build-runner-07", 14, TEXT_CUT_MIDDLE, "build-ru~er-07", 14},
        {"build-runner-07", 14, TEXT_CUT_END, "build-runner-~", 14},
        {"build-runner-07", 2, TEXT_CUT_MIDDLE, "b~", 2},
        {"build-runner-07", 1, TEXT_CUT_MIDDLE, "~", 1},
        {"build-runner-07", 1, TEXT_CUT_END, "~", 1},
        {"build-runner-07", 0, TEXT_CUT_END, "", 0},
        {"", 0, TEXT_CUT_END, "", 0},
        {"\u65e5\u672c\u8a9e", 6, TEXT_CUT_END, "\u65e5\u672c\u8a9e", 6},
        {"\u65e5\u672c\u8a9e", 5, TEXT_CUT_END, "\u65e5\u672c~", 5},
        {"\u65e5\u672c\u8a9e", 4, TEXT_CUT_END, "\u65e5~", 3},
        {"\u65e5\u672c\u8a9e\u65e5", 7, TEXT_CUT_MIDDLE, "\u65e5\u672c~\u65e5", 7},
        {"e\u0301e\u0301e\u0301", 2, TEXT_CUT_END, "e\u0301~", 2},
        {"e\u0301a\u0301b\u0301c\u0301", 3, TEXT_CUT_MIDDLE, "e\u0301a\u0301~", 3},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char out[64];
        size_t used = text_fit(out, sizeof out, rows[i].text, rows[i].cells, rows[i].cut);
        assert_string_equal(out, rows[i].expected);
        assert_int_equal(used, rows[i].used);
        assert_int_equal(text_width(out), used);
    }
}

static void a_small_buffer_never_holds_half_a_character(void **state)
{
    (void)state;

    for (size_t size = 1; size < 16; size++) {
        char out[16];
        memset(out, '!', sizeof out);
        text_fit(out, size, "\u65e5\u672c\u8a9e\u65e5\u672c", 5, TEXT_CUT_END);
        assert_in_range(strlen(out), 0, size - 1);
        char *visible = text_visible(out);
        assert_string_equal(visible, out);
        free(visible);
    }
}

static void what_fits_at_the_start_is_whole_characters(void **state)
{
    (void)state;
    assert_int_equal(text_head("web", 2), 2);
    assert_int_equal(text_head("web", 9), 3);
    assert_int_equal(text_head("\u65e5\u672c", 3), 3);
    assert_int_equal(text_head("\u65e5\u672c", 1), 0);
}

/* Last: it changes the locale. */
static void the_c_locale_shows_bytes(void **state)
{
    (void)state;
    setlocale(LC_ALL, "C");

    expect_visible("Z\u00fcrich", "Z\\xc3\\xbcrich");
    assert_int_equal(text_width("\u00fc"), 2);
}

int main(void)
{
    if (setlocale(LC_ALL, "C.UTF-8") == NULL) {
        return 77; /* nothing to see without UTF-8 */
    }
    const struct CMUnitTest tests[] = {
        TEST(nothing_that_moves_a_cursor_survives),
        TEST(characters_of_all_scripts_stay),
        TEST(widths_are_cells),
        TEST(texts_are_cut_to_cells),
        TEST(a_small_buffer_never_holds_half_a_character),
        TEST(what_fits_at_the_start_is_whole_characters),
        TEST(the_c_locale_shows_bytes),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
