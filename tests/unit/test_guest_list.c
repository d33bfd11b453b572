/* Which guests are in view, in which order, and where the cursor is. */
#include "support/test.h"

#include "model/guest_list.h"
#include "support/fleet.h"

#include <locale.h>
#include <stdlib.h>

static struct model model;
static struct guest_list list;

static int set_up(void **state)
{
    (void)state;
    model_init(&model, NULL);
    guest_list_init(&list);
    model.now_ms = FLEET_NOW;
    model_set_link(&model, LINK_LIVE, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guest_list_done(&list);
    model_done(&model);
    return 0;
}

/* The names in view, with blanks between. */
static void expect_names(const char *expected)
{
    char names[512] = "";

    guest_list_refresh(&list, &model);
    for (size_t i = 0; i < list.count; i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof(names) - length, "%s%s", i == 0 ? "" : " ",
                 list.rows[i]->vm.name);
    }
    assert_string_equal(names, expected);
}

static void expect_cursor(const char *name)
{
    guest_list_refresh(&list, &model);
    assert_non_null(guest_list_selected(&list));
    assert_string_equal(guest_list_selected(&list)->vm.name, name);
}

static void add_abc(void)
{
    fleet_add(&model, 1, "b", LODGE_VM_RUNNING);
    fleet_add(&model, 2, "a", LODGE_VM_RUNNING);
    fleet_add(&model, 3, "c", LODGE_VM_SHUTOFF);
}

static void names_sort_as_people_count(void **state)
{
    (void)state;
    fleet_add(&model, 1, "web-10", LODGE_VM_RUNNING);
    fleet_add(&model, 2, "web-9", LODGE_VM_RUNNING);
    fleet_add(&model, 3, "db", LODGE_VM_RUNNING);

    expect_names("db web-9 web-10");
    guest_list_set_sort(&list, column_find("name"), true);
    expect_names("web-10 web-9 db");
}

static void the_unknown_are_last_in_either_order(void **state)
{
    (void)state;
    add_abc();
    fleet_sample(&model, 1, 10, FLEET_NOW);
    fleet_sample(&model, 2, 90, FLEET_NOW);

    guest_list_set_sort(&list, column_find("cpu"), true);
    expect_names("a b c");
    guest_list_set_sort(&list, column_find("cpu"), false);
    expect_names("b a c");
}

static void a_filter_shows_what_matches_and_counts_the_rest(void **state)
{
    (void)state;
    add_abc();

    guest_list_set_filter(&list, "state:running");

    expect_names("a b");
    assert_int_equal(list.hidden, 1);
}

static void a_term_that_cannot_be_read_is_left_out(void **state)
{
    (void)state;
    add_abc();

    guest_list_set_filter(&list, "state:running nosuch:x");

    expect_names("a b");
    assert_int_equal(list.error.kind, LODGE_ERROR_INVALID);
    assert_int_equal(list.error.column, 15);
    guest_list_set_filter(&list, "state:");
    expect_names("a b c");
    guest_list_set_filter(&list, "");
    assert_int_equal(list.error.kind, LODGE_ERROR_NONE);
    expect_names("a b c");
}

static void hidden_stopped_guests_are_counted(void **state)
{
    (void)state;
    add_abc();

    list.hide_stopped = true;
    list.dirty = true;

    expect_names("a b");
    assert_int_equal(list.hidden, 1);
}

static void the_cursor_stays_on_its_guest(void **state)
{
    (void)state;
    add_abc();
    expect_cursor("a");
    guest_list_move(&list, 1, model.now_ms);
    expect_cursor("b");

    fleet_add(&model, 4, "0", LODGE_VM_RUNNING);
    model.now_ms += LIST_HOLD_MS;

    expect_names("0 a b c");
    expect_cursor("b");
}

static void a_cursor_nobody_moved_stays_on_top(void **state)
{
    (void)state;
    add_abc();
    expect_cursor("a");

    fleet_add(&model, 4, "0", LODGE_VM_RUNNING);

    expect_cursor("0");
}

static void rows_do_not_move_under_the_hand(void **state)
{
    (void)state;
    add_abc();
    guest_list_set_sort(&list, column_find("cpu"), true);
    fleet_sample(&model, 1, 10, FLEET_NOW);
    fleet_sample(&model, 2, 90, FLEET_NOW);
    expect_names("a b c");

    guest_list_move(&list, 1, model.now_ms);
    fleet_sample(&model, 1, 99, FLEET_NOW + 1000);
    fleet_add(&model, 4, "0", LODGE_VM_RUNNING);
    model.now_ms += LIST_HOLD_MS - 1;
    assert_true(guest_list_is_held(&list, &model));
    expect_names("a b c 0");

    model.now_ms += 1;
    expect_names("b a 0 c");
    expect_cursor("b");
}

static void samples_sort_once_a_second(void **state)
{
    (void)state;
    add_abc();
    guest_list_set_sort(&list, column_find("cpu"), true);
    fleet_sample(&model, 1, 10, FLEET_NOW);
    fleet_sample(&model, 2, 90, FLEET_NOW);
    expect_names("a b c");

    fleet_sample(&model, 1, 99, FLEET_NOW + 500);
    model.now_ms += 500;
    expect_names("a b c");
    assert_int_equal(guest_list_due_ms(&list, &model), FLEET_NOW + 900);

    model.now_ms += 500;
    expect_names("b a c");
    assert_int_equal(guest_list_due_ms(&list, &model), 0);
}

static void samples_do_not_wake_a_list_by_name(void **state)
{
    (void)state;
    add_abc();
    expect_names("a b c");

    fleet_sample(&model, 1, 99, FLEET_NOW + 500);

    assert_int_equal(guest_list_due_ms(&list, &model), 0);
}

static void when_its_guest_goes_the_cursor_takes_the_next(void **state)
{
    (void)state;
    add_abc();
    expect_names("a b c");
    guest_list_move(&list, 1, model.now_ms);

    fleet_remove(&model, 1);
    expect_cursor("b"); /* greyed, but there */
    model.now_ms += GONE_MS;
    (void)model_expire(&model);

    expect_cursor("c");
}

static void the_page_follows_the_cursor(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        char name[16];
        snprintf(name, sizeof(name), "vm-%02d", i);
        fleet_add(&model, i, name, LODGE_VM_RUNNING);
    }
    guest_list_refresh(&list, &model);

    guest_list_move(&list, 12, model.now_ms);
    guest_list_scroll(&list, 10);
    assert_int_equal(list.top, 3);
    guest_list_move(&list, 1000, model.now_ms);
    guest_list_scroll(&list, 10);
    assert_int_equal(list.cursor, 29);
    assert_int_equal(list.top, 20);
    guest_list_scroll(&list, 25); /* the terminal grew */
    assert_int_equal(list.top, 5);
    guest_list_move(&list, -1000, model.now_ms);
    guest_list_scroll(&list, 25);
    assert_int_equal(list.top, 0);
}

#define LIST_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIST_TEST(names_sort_as_people_count),
        LIST_TEST(the_unknown_are_last_in_either_order),
        LIST_TEST(a_filter_shows_what_matches_and_counts_the_rest),
        LIST_TEST(a_term_that_cannot_be_read_is_left_out),
        LIST_TEST(hidden_stopped_guests_are_counted),
        LIST_TEST(the_cursor_stays_on_its_guest),
        LIST_TEST(a_cursor_nobody_moved_stays_on_top),
        LIST_TEST(rows_do_not_move_under_the_hand),
        LIST_TEST(samples_sort_once_a_second),
        LIST_TEST(samples_do_not_wake_a_list_by_name),
        LIST_TEST(when_its_guest_goes_the_cursor_takes_the_next),
        LIST_TEST(the_page_follows_the_cursor),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
