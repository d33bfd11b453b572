/* The column table: what fits where, and what its cells say. */
#include "support/test.h"

#include "scope.h"
#include "support/fleet.h"
#include "view/columns.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

static struct model model;

static int set_up(void **state)
{
    (void)state;
    model_init(&model, NULL);
    model.now_ms = FLEET_NOW;
    model_set_link(&model, LINK_LIVE, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    model_done(&model);
    return 0;
}

static bool is_placed(const struct placed_column *placed, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(placed[i].column->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void every_column_has_what_a_row_must_have(void **state)
{
    (void)state;
    assert_true(column_count <= COLUMNS_MAX);
    for (size_t i = 0; i < column_count; i++) {
        assert_non_null(columns[i].name);
        assert_non_null(columns[i].help);
        assert_non_null(columns[i].draw);
        assert_true(columns[i].width >= (int)strlen(columns[i].title));
        assert_ptr_equal(column_find(columns[i].name), &columns[i]);
        assert_true(columns[i].number == NULL || columns[i].text == NULL);
    }
}

static void columns_never_overlap_or_leave_the_width(void **state)
{
    struct placed_column placed[COLUMNS_MAX];

    (void)state;
    for (int width = 12; width < 300; width++) {
        size_t count = columns_place(&model, width, placed);
        assert_true(count >= 1);
        for (size_t i = 0; i < count; i++) {
            int end = i + 1 < count ? placed[i + 1].x - 1 : width;
            assert_true(placed[i].width >= placed[i].column->width);
            assert_true(placed[i].x + placed[i].width <= end);
        }
    }
}

static void what_matters_least_goes_first(void **state)
{
    struct placed_column placed[COLUMNS_MAX];

    (void)state;
    size_t count = columns_place(&model, 36, placed);
    assert_true(is_placed(placed, count, "name"));
    assert_true(is_placed(placed, count, "cpu"));
    assert_false(is_placed(placed, count, "host"));

    count = columns_place(&model, 76, placed);
    assert_true(is_placed(placed, count, "host"));
    assert_true(is_placed(placed, count, "vcpus"));
    assert_true(is_placed(placed, count, "cpu_spark"));
    assert_true(is_placed(placed, count, "mem"));
    assert_false(is_placed(placed, count, "tags"));
}

static void the_owner_shows_when_there_are_several(void **state)
{
    struct placed_column placed[COLUMNS_MAX];

    (void)state;
    fleet_tell(&model, LODGE_EVENT_ADDED,
               (struct fleet_guest){.number = 1, .name = "a", .owner = "alice"});
    model_count(&model);
    assert_false(is_placed(placed, columns_place(&model, 120, placed), "owner"));

    fleet_tell(&model, LODGE_EVENT_ADDED,
               (struct fleet_guest){.number = 2, .name = "b", .owner = "bob"});
    model_count(&model);
    assert_true(is_placed(placed, columns_place(&model, 120, placed), "owner"));
}

/* What a column's cell shows of guest 1. */
static void expect_cell(const char *column, const char *expected)
{
    struct canvas canvas;
    char picture[64];

    canvas_init(&canvas, column_find(column)->width, 1, GLYPHS_ASCII);
    column_find(column)->draw(&model, fleet_row(&model, 1), &canvas, canvas_area(&canvas));
    char *text = canvas_to_text(&canvas);
    snprintf(picture, sizeof(picture), "%s", text + strspn(text, " "));
    picture[strcspn(picture, "\n")] = '\0';
    assert_string_equal(picture, expected);
    free(text);
    canvas_done(&canvas);
}

static void the_unknown_is_a_dash_and_never_nought(void **state)
{
    (void)state;
    fleet_add(&model, 1, "a", LODGE_VM_RUNNING);

    expect_cell("cpu", "-");
    expect_cell("vcpus", "-");
    expect_cell("mem", "-/-");
    expect_cell("since", "-");
}

/* Of any column: what is not known is not drawn as a figure, and sorts as nothing. */
static void no_column_makes_a_figure_of_what_nobody_told(void **state)
{
    (void)state;
    fleet_add(&model, 1, "a", LODGE_VM_RUNNING);
    for (size_t i = 0; i < column_count; i++) {
        const struct column *column = &columns[i];
        if (column->number == NULL || strcmp(column->name, "status") == 0) {
            continue;
        }
        struct canvas canvas;
        canvas_init(&canvas, column->width, 1, GLYPHS_ASCII);
        column->draw(&model, fleet_row(&model, 1), &canvas, canvas_area(&canvas));
        AUTO(free) char *text = canvas_to_text(&canvas);
        assert_null(strpbrk(text, "0123456789"));
        assert_true(isnan(column->number(fleet_row(&model, 1))));
        canvas_done(&canvas);
    }
}

static void memory_that_the_guest_does_not_tell_is_marked(void **state)
{
    (void)state;
    fleet_tell(
        &model, LODGE_EVENT_ADDED,
        (struct fleet_guest){
            .number = 1, .name = "a", .state = LODGE_VM_RUNNING, .memory_mib = 2048, .vcpus = 2});
    struct model_row *row = fleet_row(&model, 1);

    row->vm.stats.memory_rss_mib = 1536;
    expect_cell("mem", "~1.5G");
    row->vm.stats.memory_rss_mib = 3000; /* QEMU needs some for itself */
    expect_cell("mem", "~2.9G");
    row->vm.stats.memory_used_mib = 1024;
    expect_cell("mem", "1.0/2G");
    expect_cell("vcpus", "2");
}

static void expect_status(struct fleet_guest guest, char letter, const char *status)
{
    char text[160];
    enum style_role role;

    guest.number = 1;
    guest.name = "a";
    fleet_tell(&model, LODGE_EVENT_ADDED, guest);
    const struct model_row *row = fleet_row(&model, 1);
    vm_status(&model, row, text, sizeof(text));
    assert_int_equal(vm_letter(&model, row, &role), letter);
    assert_string_equal(text, status);
}

static void each_state_has_a_letter_and_words(void **state)
{
    int64_t then = FLEET_NOW - 42000;

    (void)state;
    expect_status((struct fleet_guest){.state = LODGE_VM_RUNNING, .reason = "booted"}, 'R',
                  "running (booted)");
    expect_status((struct fleet_guest){.state = LODGE_VM_PAUSED, .reason = "ioerror"}, 'P',
                  "paused (ioerror)");
    expect_status((struct fleet_guest){.state = LODGE_VM_CRASHED}, '!', "crashed");
    expect_status((struct fleet_guest){.state = LODGE_VM_RUNNING, .unresponsive = then}, 'H',
                  "hung 42s: no answer");
    expect_status((struct fleet_guest){.state = LODGE_VM_RUNNING, .stale = then}, '?',
                  "stale 42s, was running");
    expect_status((struct fleet_guest){0}, '?', "unknown");
    fleet_remove(&model, 1);
    enum style_role role;
    assert_int_equal(vm_letter(&model, fleet_row(&model, 1), &role), 'x');
}

static void sorting_walks_over_all_columns_that_can(void **state)
{
    const struct column *first = column_find("name");
    const struct column *column = first;
    size_t steps = 0;

    (void)state;
    do {
        assert_true(column->number != NULL || column->text != NULL);
        assert_ptr_equal(column_neighbour(column_neighbour(column, 1), -1), column);
        column = column_neighbour(column, 1);
        steps++;
    } while (column != first);
    assert_true(steps >= 6);
}

#define COLUMN_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_column_has_what_a_row_must_have),
        COLUMN_TEST(columns_never_overlap_or_leave_the_width),
        COLUMN_TEST(what_matters_least_goes_first),
        COLUMN_TEST(the_owner_shows_when_there_are_several),
        COLUMN_TEST(the_unknown_is_a_dash_and_never_nought),
        COLUMN_TEST(no_column_makes_a_figure_of_what_nobody_told),
        COLUMN_TEST(memory_that_the_guest_does_not_tell_is_marked),
        COLUMN_TEST(each_state_has_a_letter_and_words),
        TEST(sorting_walks_over_all_columns_that_can),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
