/* What is asked before something is done, of whom, and what is said of how it went. */
#include "support/test.h"

#include "confirm.h"
#include "outcome.h"
#include "scope.h"
#include "sent.h"
#include "support/seen.h"
#include "support/ui_world.h"

#include <locale.h>
#include <stdlib.h>

#define UUID "00000000-0000-4000-8000-00000000000"

static void expect_question(const char *label, const char *answers)
{
    assert_string_equal(ui.state.prompt.label, label);
    assert_string_equal(ui.state.prompt.answers, answers);
}

/* The message, from its start. */
static void expect_message(const char *text)
{
    assert_memory_equal(ui.state.message.text, text, strlen(text));
}

/* Sends what is asked, as app.c does; returns its number. */
static unsigned send_asked(void)
{
    unsigned number = ui.ask.number;

    sent_begin(&ui, &ui.ask);
    ask_done(&ui.ask);
    return number;
}

/* Answers for one guest: `why` NULL is a success. */
static void answer(unsigned number, size_t index, const char *what, const char *result,
                   const char *why)
{
    struct lodge_error error = {0};
    char text[OUTCOME_TEXT];

    if (why != NULL) {
        lodge_fail(&error, LODGE_ERROR_BAD_STATE, "%s", why);
    }
    outcome_say(&tui_commands, what, 0.1, result, why == NULL ? NULL : &error, text, sizeof(text));
    sent_answered(&ui, number, index, why != NULL, text);
}

static void rename_guest(int number, const char *name, enum lodge_vm_state state)
{
    fleet_tell(&ui.model, LODGE_EVENT_CHANGED,
               (struct fleet_guest){.number = number, .name = name, .state = state});
}

static void the_question_names_the_marked_guest_and_not_the_one_under_the_cursor(void **state)
{
    (void)state;
    (void)hit("j Space"); /* beta; the cursor is on gamma then */
    (void)hit("D");
    expect_question("Force off beta (shutoff)? What a guest has not written is lost.",
                    "Y (capital) / N");
    (void)hit("n X");
    assert_non_null(strstr(ui.state.prompt.label, "Delete beta (shutoff) for good"));
    (void)hit("g a m m a Enter");
    expect_message("nothing was done");
    (void)hit("X b e t a");
    assert_true(hit("Enter") & ACT_ASK);
    assert_int_equal(ask_count(&ui.ask), 1);
    assert_string_equal(ui.ask.targets[0].vm, "h1/" UUID "2");
    assert_string_equal(ui.ask.what, "delete beta");
}

static void every_key_names_who_is_marked(void **state)
{
    static const char *const keys[] = {"S", "R", "P", "M", "D", "X"};

    (void)state;
    (void)hit("Space"); /* alpha */
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        (void)hit(keys[i]);
        assert_non_null(strstr(ui.state.prompt.label, " alpha (running)"));
        assert_null(strstr(ui.state.prompt.label, "beta"));
        (void)hit("Esc");
    }
    assert_true(hit("s") & ACT_ASK);
    assert_string_equal(ui.ask.what, "start alpha");
}

static void what_the_filter_hides_is_counted_and_named(void **state)
{
    (void)state;
    (void)hit("Space Space / g a m m a Enter D");
    expect_question("Force off 2 VMs, 2 of them hidden by the filter: alpha (running, hidden), "
                    "beta (shutoff, hidden)? What a guest has not written is lost.",
                    "Y (capital) / N");
    (void)hit("n \\ Space / C-u a l p h a Enter S");
    expect_question("Shut down gamma (running, hidden by the filter)?", "y/N");
    (void)hit("n / C-u b e Enter Space Esc / a l p Enter s");
    expect_message("start 2 VMs (2 hidden by the filter: beta, gamma) …");
}

static void details_are_about_the_guest_that_is_shown(void **state)
{
    (void)state;
    (void)hit("Space Enter"); /* alpha is marked, beta is looked at */
    (void)hit("D");
    expect_question("Force off beta (shutoff)? What a guest has not written is lost.",
                    "Y (capital) / N");
}

static void what_is_about_a_guest_is_not_done_where_none_is_seen(void **state)
{
    (void)state;
    assert_false(hit("2 : s t a r t Enter") & ACT_ASK);
    expect_message(":start is about guests");
    (void)hit("4 : d e l e t e Enter");
    assert_int_equal(ui.state.prompt.kind, PROMPT_NONE);
}

static void who_is_gone_is_not_asked_about(void **state)
{
    (void)state;
    (void)hit("Space");
    fleet_remove(&ui.model, 1);
    ui_refresh(&ui);
    assert_int_equal(hit("s"), ACT_DRAW); /* not of beta, which the cursor is on */
    expect_message("nothing was done: alpha is not there any more");
    (void)hit("\\ g D");
    assert_int_equal(ui.state.prompt.kind, PROMPT_NONE);
}

static void a_yes_to_what_is_not_so_any_more_is_none(void **state)
{
    (void)state;
    (void)hit("D");
    fleet_remove(&ui.model, 1);
    assert_false(hit("Y") & ACT_ASK);
    expect_message("nothing was done: alpha is not there any more");

    (void)hit("G D"); /* gamma */
    rename_guest(3, "delta", LODGE_VM_RUNNING);
    assert_false(hit("Y") & ACT_ASK);
    expect_message("nothing was done: gamma is called delta now");

    (void)hit("X d e l t a");
    rename_guest(3, "delta", LODGE_VM_SHUTOFF);
    assert_false(hit("Enter") & ACT_ASK);
    expect_message("nothing was done: delta is shutoff now, it was running");
}

static void another_guest_of_the_same_name_is_another_guest(void **state)
{
    (void)state;
    (void)hit("D");
    fleet_remove(&ui.model, 1);
    fleet_add(&ui.model, 9, "alpha", LODGE_VM_RUNNING);
    ui.model.now_ms += GONE_MS;
    (void)model_expire(&ui.model);
    assert_false(hit("Y") & ACT_ASK);
    expect_message("nothing was done: alpha is not there any more");
}

static void guests_of_one_name_are_told_apart(void **state)
{
    (void)state;
    fleet_tell(
        &ui.model, LODGE_EVENT_ADDED,
        (struct fleet_guest){.number = 7, .name = "alpha", .host = "h2", .state = LODGE_VM_PAUSED});
    ui_refresh(&ui);
    (void)hit("g D");
    assert_memory_equal(ui.state.prompt.label, "Force off h1/alpha (running)", 28);
    (void)hit("n j D");
    assert_memory_equal(ui.state.prompt.label, "Force off h2/alpha (paused)", 27);
}

static void a_burst_answers_no_question(void **state)
{
    static const char *const bursts[] = {"DY",       "DYDYDYDY", "Sy", "Py",
                                         "Xalpha\r", "Vp",       "Ry", "My"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(bursts); i++) {
        unsigned acts = type_at_once(bursts[i]);
        assert_false(acts & (ACT_ASK | ACT_VIEWER));
        assert_true(acts & ACT_HUSH);
        assert_int_not_equal(ui.state.prompt.kind, PROMPT_NONE); /* it stands */
        (void)hit("Esc");
    }
}

static void a_question_hears_after_a_quarter_of_a_second(void **state)
{
    (void)state;
    (void)type_at_once("D");
    ui.model.now_ms += DEAF_MS - 1;
    assert_int_equal(type_at_once("Y"), ACT_NOTHING);
    expect_seen(80, 24, "Force off alpha (running)? What a guest has not written is lost.");
    AUTO(free) char *deaf = picture(80, 24);
    assert_null(strstr(deaf, "Y (capital)")); /* an answer is named when it is heard */
    ui.model.now_ms += 1;
    expect_seen(80, 24, "Y (capital) / N");
    assert_true(type_at_once("Y") & ACT_ASK);
}

static void a_clock_that_is_put_back_deafens_nobody(void **state)
{
    (void)state;
    (void)type_at_once("D");
    ui.model.now_ms -= 3600000;
    assert_true(type_at_once("Y") & ACT_ASK);
}

static void what_answers_nothing_is_not_followed_by_keys_to_the_list(void **state)
{
    (void)state;
    (void)hit("D");
    ui.model.now_ms += DEAF_MS;
    assert_false(type_at_once("web-01 start s") & ACT_ASK); /* somebody types a name */
    expect_message("nothing was done");
}

static void ctrl_c_and_ctrl_z_are_always_heard(void **state)
{
    static const char *const places[] = {"D", "X", "/", ":", "i", "V", "Z", "?"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        (void)type_at_once(places[i]);
        assert_int_equal(type_at_once("\x1a"), ACT_SUSPEND);
        assert_int_equal(type_at_once("\x03"), ACT_QUIT);
        tear_down(NULL);
        set_up(NULL);
    }
}

static void the_disks_are_those_of_the_guest_that_goes(void **state)
{
    struct lodge_vm of_gamma = detail_of(3, 1);
    struct lodge_vm of_alpha = detail_of(1, 1);

    (void)state;
    model_take_detail(&ui.model, &of_gamma);
    (void)hit("G X");
    expect_question("Delete gamma (running) for good, with 2 disks of 30G?", "Type its name:");
    (void)hit("Esc g Space G"); /* alpha's are not known, and gamma's are none of its */
    assert_true(hit("X") & ACT_DISKS);
    expect_question("Delete alpha (running) for good, with the disks that lodge made?",
                    "Type its name:");
    assert_false(confirm_take_disks(&ui, ui.ask.number + 1, 0, &of_alpha));
    assert_true(confirm_take_disks(&ui, ui.ask.number, 0, &of_alpha));
    expect_question("Delete alpha (running) for good, with 2 disks of 30G?", "Type its name:");
    assert_true(confirm_take_disks(&ui, ui.ask.number, 0, NULL));
    expect_question("Delete alpha (running) for good, with disks that lodge made and that could "
                    "not be counted?",
                    "Type its name:");
    lodge_vm_clear(&of_alpha);
}

static void disks_as_they_were_before_are_not_those_that_go(void **state)
{
    struct lodge_vm before = detail_of(1, 0); /* the row is at another revision */

    (void)state;
    model_take_detail(&ui.model, &before);
    assert_true(hit("X") & ACT_DISKS);
    assert_non_null(strstr(ui.state.prompt.label, "with the disks that lodge made?"));
}

static void the_sum_of_many_is_said_and_not_the_last_answer(void **state)
{
    (void)state;
    (void)hit("Space Space Space S");
    expect_question("Shut down 3 VMs: alpha (running), beta (shutoff), gamma (running)?", "y/N");
    (void)hit("y");
    unsigned number = send_asked();

    answer(number, 1, "shut down beta", NULL, "it is shut off");
    expect_message("shut down 3 VMs: 1 failed, 0 done, 2 to come. beta: it is shut off");
    answer(number, 2, "shut down gamma", NULL, NULL);
    answer(number, 0, "shut down alpha", "{\"notes\":[\"it was slow\"]}", NULL);
    assert_string_equal(ui.state.message.text,
                        "shut down 3 VMs: 1 failed, 2 done. beta: it is shut off; "
                        "alpha: it was slow. Done: gamma, alpha");
    (void)hit("4"); /* a message goes; the events stay */
    expect_seen(80, 24, "beta shut down: it is shut off");
}

static void two_rounds_at_a_time_are_not_mixed_up(void **state)
{
    (void)state;
    (void)hit("Space Space s");
    unsigned first = send_asked();
    (void)hit("\\ G s");
    unsigned second = send_asked();

    answer(second, 0, "start gamma", NULL, NULL);
    assert_string_equal(ui.state.message.text, "start gamma: done in 0.1 s");
    answer(first, 0, "start alpha", NULL, "no");
    answer(first, 1, "start beta", NULL, "no");
    assert_string_equal(ui.state.message.text, "start gamma: done in 0.1 s; start 2 VMs: 2 failed, "
                                               "0 done. alpha: no; beta: no");
    assert_int_equal(ui.state.message.role, ROLE_WARN);
    assert_null(ui.sent.first);
}

static void an_answer_is_not_taken_away_by_the_next_or_by_a_question(void **state)
{
    (void)state;
    (void)hit("s");
    unsigned first = send_asked();
    (void)hit("j s");
    unsigned second = send_asked();
    (void)hit("G S"); /* a question stands in its place */
    answer(first, 0, "start alpha", NULL, "it runs already");
    answer(second, 0, "start beta", NULL, NULL);
    ui.model.now_ms += 60000; /* somebody reads slowly */
    (void)hit("n");
    expect_seen(80, 24,
                "start alpha: it runs already; start beta: done in 0.1 s; nothing was done");
    (void)hit("j s");
    expect_message("start gamma …");
}

static void who_came_under_the_cursor_by_itself_is_not_started(void **state)
{
    (void)state;
    fleet_add(&ui.model, 8, "aaa", LODGE_VM_SHUTOFF);
    ui_refresh(&ui); /* the cursor was never moved: it stays on the first line */
    assert_false(type_at_once("s") & ACT_ASK);
    expect_message("nothing was done: aaa has just come under the cursor");
    ui.model.now_ms += DEAF_MS;
    assert_true(type_at_once("s") & ACT_ASK);
}

static void a_result_says_what_the_guest_is_called_by_now(void **state)
{
    (void)state;
    (void)hit("s");
    unsigned number = send_asked();
    rename_guest(1, "omega", LODGE_VM_RUNNING);
    answer(number, 0, "start alpha", NULL, NULL);
    assert_string_equal(ui.state.message.text,
                        "start alpha: done in 0.1 s (it is called omega now)");
}

static void paused_guests_are_resumed_among_others(void **state)
{
    (void)state;
    rename_guest(1, "alpha", LODGE_VM_PAUSED);
    ui_refresh(&ui);
    assert_true(hit("Space Space s") & ACT_ASK);
    assert_string_equal(ask_method(&ui.ask, 0), "vm.resume");
    assert_string_equal(ask_method(&ui.ask, 1), "vm.start");
    AUTO(free) char *what = ask_what(&ui.ask, 0);
    assert_string_equal(what, "resume alpha");
}

static void more_than_ten_want_their_number_typed_and_all_are_counted(void **state)
{
    (void)state;
    char name[16];
    for (int i = 10; i < 40; i++) {
        snprintf(name, sizeof(name), "many-%d", i);
        fleet_add(&ui.model, i, name, LODGE_VM_RUNNING);
    }
    ui_refresh(&ui);
    for (int i = 0; i < 33; i++) {
        (void)hit("Space");
    }
    (void)hit("S");
    assert_non_null(strstr(ui.state.prompt.label, "Shut down 33 VMs: alpha (running), "));
    assert_non_null(strstr(ui.state.prompt.label, " and 13 more?"));
    assert_string_equal(ui.state.prompt.answers, "Type \"shut down 33\":");
    ui.model.now_ms += DEAF_MS;
    expect_seen(80, 24, "and 13 more?");
    expect_seen(80, 24, "Type \"shut down 33\":");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(the_question_names_the_marked_guest_and_not_the_one_under_the_cursor),
        UI_TEST(every_key_names_who_is_marked),
        UI_TEST(what_the_filter_hides_is_counted_and_named),
        UI_TEST(details_are_about_the_guest_that_is_shown),
        UI_TEST(what_is_about_a_guest_is_not_done_where_none_is_seen),
        UI_TEST(who_is_gone_is_not_asked_about),
        UI_TEST(a_yes_to_what_is_not_so_any_more_is_none),
        UI_TEST(another_guest_of_the_same_name_is_another_guest),
        UI_TEST(guests_of_one_name_are_told_apart),
        UI_TEST(a_burst_answers_no_question),
        UI_TEST(a_question_hears_after_a_quarter_of_a_second),
        UI_TEST(a_clock_that_is_put_back_deafens_nobody),
        UI_TEST(what_answers_nothing_is_not_followed_by_keys_to_the_list),
        UI_TEST(ctrl_c_and_ctrl_z_are_always_heard),
        UI_TEST(the_disks_are_those_of_the_guest_that_goes),
        UI_TEST(disks_as_they_were_before_are_not_those_that_go),
        UI_TEST(the_sum_of_many_is_said_and_not_the_last_answer),
        UI_TEST(two_rounds_at_a_time_are_not_mixed_up),
        UI_TEST(an_answer_is_not_taken_away_by_the_next_or_by_a_question),
        UI_TEST(who_came_under_the_cursor_by_itself_is_not_started),
        UI_TEST(a_result_says_what_the_guest_is_called_by_now),
        UI_TEST(paused_guests_are_resumed_among_others),
        UI_TEST(more_than_ten_want_their_number_typed_and_all_are_counted),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests_name("questions", tests, NULL, NULL);
}
