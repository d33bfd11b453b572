/* What is typed or pasted: where it goes, and that it is seen, with the question that it answers.
 */
#include "support/test.h"

#include "create.h"
#include "support/seen.h"
#include "support/ui_world.h"

#include <locale.h>
#include <stdlib.h>

static void a_long_question_is_read_whole_and_typed_below(void **state)
{
    char name[73];
    struct lodge_vm of_long = detail_of(5, 1);

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    fleet_add(&ui.model, 5, name, LODGE_VM_RUNNING);
    model_take_detail(&ui.model, &of_long);
    ui_refresh(&ui);
    (void)hit("G X");
    (void)type_at_once("dropped");
    ui.model.now_ms += DEAF_MS;
    (void)type_at_once("xxxxx and so on until it is longer than a line of eighty columns is END");
    expect_seen(80, 24, "for good, with 2 disks of 30G?");
    expect_seen(80, 24, "Type its name: ");
    expect_seen(80, 24, " of eighty columns is END");
    expect_seen(40, 12, "columns is END");
    (void)hit("C-u");
    assert_true(type_at_once(name) == ACT_DRAW && (hit("Enter") & ACT_ASK));
}

static void a_long_filter_shows_where_it_is_typed_at(void **state)
{
    (void)state;
    (void)hit("/");
    (void)type_at_once("alpha or something else that is far longer than its line has room for END");
    expect_seen(80, 24, "has room for END");
}

static void a_paste_is_no_key(void **state)
{
    (void)state;
    assert_int_equal(ui_paste(&ui, "DYs", false), ACT_DRAW);
    assert_int_equal(ui.state.prompt.kind, PROMPT_NONE);
    assert_null(ui.ask.method);
    (void)hit("D");
    assert_int_equal(ui_paste(&ui, "Y", false), ACT_NOTHING);
    assert_int_equal(ui.state.prompt.kind, PROMPT_YES);
    (void)hit("n V");
    assert_int_equal(ui_paste(&ui, "p", false), ACT_NOTHING);
    assert_int_equal(ui.state.prompt.kind, PROMPT_SCREEN);
    (void)hit("Esc Z");
    assert_int_equal(ui_paste(&ui, "q", false), ACT_NOTHING);
    assert_true(ui.state.frozen);
}

static void a_paste_is_text_where_text_is_typed(void **state)
{
    (void)state;
    (void)hit("/");
    (void)ui_paste(&ui, "alp", false);
    ui_refresh(&ui);
    assert_int_equal(ui.state.list.count, 1);
    assert_int_equal(ui.state.prompt.kind, PROMPT_FILTER);
    (void)hit("Esc :");
    (void)ui_paste(&ui, "sort cpu", false);
    assert_string_equal(ui.state.prompt.text, "sort cpu");
    (void)hit("Esc X");
    ui.model.now_ms += DEAF_MS;
    (void)hit("a Backspace Backspace C-w"); /* one too many does not make keys of what follows */
    (void)ui_paste(&ui, "alpha", false);
    assert_int_equal(ui.state.prompt.kind, PROMPT_NAME);
    assert_true(hit("Enter") & ACT_ASK);
    (void)hit("i");
    (void)ui_paste(&ui, "東京 web", false);
    assert_string_equal(ui.state.form.text[FORM_NAME], "東京 web");
    assert_true(ui.state.form.open);
    (void)hit("Up"); /* a choice takes no text */
    (void)ui_paste(&ui, "no", false);
    assert_string_equal(ui.state.form.text[FORM_START], "yes");
}

static void what_does_not_fit_of_a_paste_is_said(void **state)
{
    char much[PROMPT_BYTES];

    (void)state;
    memset(much, 'x', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    (void)hit("i");
    (void)ui_paste(&ui, much, false);
    assert_int_equal(strlen(ui.state.form.text[FORM_NAME]), FORM_BYTES - 1);
    expect_seen(80, 24, "not all of what was pasted fits here");
    (void)hit("Esc :");
    (void)ui_paste(&ui, "x", true);
    expect_seen(80, 24, "not all of what was pasted fits here");
}

static void a_form_says_why_not_to_the_end_at_80_columns(void **state)
{
    (void)state;
    (void)hit("i n e w Enter");
    (void)create_answered(&ui, ui.ask.number, true,
                          "create new: it is over the quota of alice by 2 vCPUs, by 3 GiB of "
                          "memory, and by 40 GiB of disks; an admin can raise it with `lodge "
                          "quota set alice` END");
    expect_seen(80, 24, "END");
}

static void a_command_that_could_become_many_shows_them_all(void **state)
{
    (void)state;
    (void)hit(":");
    (void)hit("Tab");
    expect_seen(80, 24, "screenshot");
    expect_seen(80, 24, " quit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(a_long_question_is_read_whole_and_typed_below),
        UI_TEST(a_long_filter_shows_where_it_is_typed_at),
        UI_TEST(a_paste_is_no_key),
        UI_TEST(a_paste_is_text_where_text_is_typed),
        UI_TEST(what_does_not_fit_of_a_paste_is_said),
        UI_TEST(a_form_says_why_not_to_the_end_at_80_columns),
        UI_TEST(a_command_that_could_become_many_shows_them_all),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests_name("typing", tests, NULL, NULL);
}
