/* Tables of the command line: what fits, what is cut, what goes. */
#include "support/test.h"

#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {
    {.title = "NAME", .cut_to = 6},
    {.title = "STATE"},
    {.title = "CPU%", .right = true, .rank = 1},
    {.title = "HOST", .rank = 2},
};

static void expect_table(size_t width, const char *const rows[][4], size_t count,
                         const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct table *table = table_new(columns, 4);
    for (size_t i = 0; i < count; i++) {
        table_add(table, rows[i]);
    }

    table_print(table, width, out);

    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    table_free(table);
}

static const char *const guests[][4] = {
    {"web-frontend", "running", "12.5", "h1"},
    {"db", "off", "0", "h2"},
};

static void a_pipe_gets_everything(void **state)
{
    (void)state;
    expect_table(0, guests, 2,
                 "NAME          STATE    CPU%  HOST\n"
                 "web-frontend  running  12.5  h1\n"
                 "db            off         0  h2\n");
}

static void one_long_name_pads_no_other_row(void **state)
{
    static const char *const rows[][4] = {
        {"web", "running", "12.5", "h1"},
        {"a-name-of-more-than-thirty-two-cells", "off", "0", "h2"},
        {"db", "off", "0", "h2"}};
    (void)state;
    expect_table(0, rows, 3,
                 "NAME  STATE    CPU%  HOST\n"
                 "web   running  12.5  h1\n"
                 "a-name-of-more-than-thirty-two-cells  off         0  h2\n"
                 "db    off         0  h2\n");
}

static void names_are_cut_before_a_column_goes(void **state)
{
    (void)state;
    expect_table(30, guests, 2,
                 "NAME       STATE    CPU%  HOST\n"
                 "web-f~end  running  12.5  h1\n"
                 "db         off         0  h2\n");
}

static void the_least_wanted_column_goes_first(void **state)
{
    (void)state;
    expect_table(24, guests, 2,
                 "NAME       STATE    CPU%\n"
                 "web-f~end  running  12.5\n"
                 "db         off         0\n");
}

static void what_always_stays_may_be_too_wide(void **state)
{
    (void)state;
    expect_table(1, guests, 2,
                 "NAME    STATE\n"
                 "web~nd  running\n"
                 "db      off\n");
}

static void a_column_that_is_empty_everywhere_is_left_out(void **state)
{
    static const char *const rows[][4] = {{"a", "off", NULL, "h1"}, {"b", "off", "", "h1"}};
    (void)state;
    expect_table(0, rows, 2,
                 "NAME  STATE  HOST\n"
                 "a     off    h1\n"
                 "b     off    h1\n");
}

static void lines_do_not_end_in_blanks(void **state)
{
    static const char *const rows[][4] = {{"a", "off", "1", NULL}, {"b", "off", NULL, "h1"}};
    (void)state;
    expect_table(0, rows, 2,
                 "NAME  STATE  CPU%  HOST\n"
                 "a     off       1\n"
                 "b     off          h1\n");
}

static void cells_cannot_move_the_cursor(void **state)
{
    static const char *const rows[][4] = {{"a\033[2J\n", "off", NULL, NULL}};
    (void)state;
    expect_table(0, rows, 1,
                 "NAME          STATE\n"
                 "a\\x1b[2J\\x0a  off\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_pipe_gets_everything),
        TEST(one_long_name_pads_no_other_row),
        TEST(names_are_cut_before_a_column_goes),
        TEST(the_least_wanted_column_goes_first),
        TEST(what_always_stays_may_be_too_wide),
        TEST(a_column_that_is_empty_everywhere_is_left_out),
        TEST(lines_do_not_end_in_blanks),
        TEST(cells_cannot_move_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
