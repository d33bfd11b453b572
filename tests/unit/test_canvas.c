/* What is written into a canvas keeps to its columns. */
#include "support/test.h"

#include "view/canvas.h"
#include "view/chart.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void expect_picture(const struct canvas *canvas, const char *expected)
{
    char *text = canvas_to_text(canvas);

    assert_string_equal(text, expected);
    free(text);
}

static void text_is_cut_at_the_edge_of_its_area(void **state)
{
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 8, 2, GLYPHS_DOTS);

    assert_int_equal(canvas_text(&canvas, (struct area){1, 0, 3, 1}, STYLE(ROLE_PLAIN), "abcdef"),
                     3);
    assert_int_equal(canvas_text(&canvas, (struct area){6, 1, 9, 1}, STYLE(ROLE_PLAIN), "abcdef"),
                     2);

    expect_picture(&canvas, " abc\n      ab\n");
    canvas_done(&canvas);
}

static void nothing_is_drawn_outside_of_the_canvas(void **state)
{
    static const struct area outside[] = {{0, -1, 5, 1}, {0, 2, 5, 1}, {8, 0, 5, 1}, {-1, 0, 5, 1}};
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 8, 2, GLYPHS_DOTS);

    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        assert_int_equal(canvas_text(&canvas, outside[i], STYLE(ROLE_PLAIN), "abc"), 0);
        canvas_fill(&canvas, outside[i], STYLE(ROLE_PLAIN), '#');
    }

    expect_picture(&canvas, "\n\n");
    canvas_done(&canvas);
}

static void a_wide_character_takes_two_columns_and_is_never_torn(void **state)
{
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 6, 2, GLYPHS_DOTS);

    assert_int_equal(canvas_text(&canvas, (struct area){0, 0, 5, 1}, STYLE(ROLE_PLAIN), "東京都"),
                     4);
    canvas_text(&canvas, (struct area){0, 1, 6, 1}, STYLE(ROLE_PLAIN), "東京都");
    canvas_text(&canvas, (struct area){1, 1, 2, 1}, STYLE(ROLE_PLAIN), "xy");

    expect_picture(&canvas, "東京\n xy 都\n");
    canvas_done(&canvas);
}

static void a_mark_joins_the_character_before_it(void **state)
{
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 6, 1, GLYPHS_DOTS);

    assert_int_equal(
        canvas_text(&canvas, (struct area){0, 0, 6, 1}, STYLE(ROLE_PLAIN), "e\xcc\x81x"), 2);

    expect_picture(&canvas, "e\xcc\x81x\n");
    canvas_done(&canvas);
}

static void what_cannot_be_shown_is_a_question_mark(void **state)
{
    static const char *const texts[] = {"a\x1b[", "a\xff[",     "a\xc0\xaf",     "a\xed\xa0\x80",
                                        "a\x07[", "a\xc2\x9b[", "a\u202e\u200bb"};
    static const char *const pictures[] = {"a?[\n", "a?[\n", "a??\n", "a???\n",
                                           "a?[\n", "a?[\n", "a??b\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct canvas canvas;
        canvas_init(&canvas, 6, 1, GLYPHS_DOTS);
        canvas_text(&canvas, canvas_area(&canvas), STYLE(ROLE_PLAIN), texts[i]);
        expect_picture(&canvas, pictures[i]);
        canvas_done(&canvas);
    }
}

static void ascii_shows_ascii_only(void **state)
{
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 8, 2, GLYPHS_ASCII);

    canvas_text(&canvas, (struct area){0, 0, 8, 1}, STYLE(ROLE_PLAIN), "é東-x");
    canvas_rule(&canvas, (struct area){0, 1, 4, 1}, STYLE(ROLE_PLAIN));

    expect_picture(&canvas, "?"
                            "?-x\n----\n");
    canvas_done(&canvas);
}

static void a_long_name_loses_its_middle(void **state)
{
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 14, 2, GLYPHS_DOTS);

    canvas_name(&canvas, (struct area){0, 0, 14, 1}, STYLE(ROLE_PLAIN), "build-runner-nightly-07");
    canvas_name(&canvas, (struct area){0, 1, 14, 1}, STYLE(ROLE_PLAIN), "東京東京東京東京-07");

    expect_picture(&canvas, "build-r~tly-07\n東京東~京-07\n");
    canvas_done(&canvas);
}

static void a_paragraph_breaks_at_blanks_and_long_words_anywhere(void **state)
{
    struct canvas canvas;
    struct area area = {0, 0, 7, 5};

    (void)state;
    canvas_init(&canvas, 7, 5, GLYPHS_DOTS);

    int lines = canvas_paragraph(&canvas, area, STYLE(ROLE_PLAIN), "one two abcdefghijk x");

    assert_int_equal(lines, 3);
    expect_picture(&canvas, "one two\nabcdefg\nhijk x\n\n\n");
    canvas_done(&canvas);
}

static void a_bar_shows_little_full_and_unknown(void **state)
{
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 7, 4, GLYPHS_ASCII);

    chart_bar(&canvas, (struct area){0, 0, 7, 1}, STYLE(ROLE_RUN), 1);
    chart_bar(&canvas, (struct area){0, 1, 7, 1}, STYLE(ROLE_RUN), 250);
    chart_bar(&canvas, (struct area){0, 2, 7, 1}, STYLE(ROLE_RUN), NAN);
    chart_bar(&canvas, (struct area){0, 3, 7, 1}, STYLE(ROLE_RUN), 0);

    expect_picture(&canvas, "[|....]\n[|||||]\n[  ?  ]\n[.....]\n");
    canvas_done(&canvas);
}

static void a_sparkline_shows_gaps_for_what_is_unknown(void **state)
{
    static const double values[] = {0, 0, NAN, NAN, 50, 50, 100, 100};
    const struct series series = {values, 8, 1007};
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 4, 1, GLYPHS_DOTS);
    chart_sparkline(&canvas, canvas_area(&canvas), STYLE(ROLE_RUN), &series);
    expect_picture(&canvas, "⣀ ⣤⣿\n");

    canvas.glyphs = GLYPHS_ASCII;
    chart_sparkline(&canvas, canvas_area(&canvas), STYLE(ROLE_RUN), &series);
    expect_picture(&canvas, ". -#\n");
    canvas_done(&canvas);
}

static void a_narrow_sparkline_keeps_the_spike(void **state)
{
    double values[60] = {0};
    const struct series series = {values, 60, 59};
    struct canvas canvas;

    (void)state;
    values[30] = 100;
    canvas_init(&canvas, 10, 1, GLYPHS_DOTS);

    chart_sparkline(&canvas, canvas_area(&canvas), STYLE(ROLE_RUN), &series);

    expect_picture(&canvas, "⣀⣀⣀⣀⣀⣇⣀⣀⣀⣀\n");
    canvas_done(&canvas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_is_cut_at_the_edge_of_its_area),
        TEST(nothing_is_drawn_outside_of_the_canvas),
        TEST(a_wide_character_takes_two_columns_and_is_never_torn),
        TEST(a_mark_joins_the_character_before_it),
        TEST(what_cannot_be_shown_is_a_question_mark),
        TEST(ascii_shows_ascii_only),
        TEST(a_long_name_loses_its_middle),
        TEST(a_paragraph_breaks_at_blanks_and_long_words_anywhere),
        TEST(a_bar_shows_little_full_and_unknown),
        TEST(a_sparkline_shows_gaps_for_what_is_unknown),
        TEST(a_narrow_sparkline_keeps_the_spike),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
