/* What keys do: to commands, to prompts, and to what is looked at. */
#include "support/test.h"

#include "create.h"
#include "memory.h"
#include "model/settings.h"
#include "support/fleet.h"
#include "support/ui_world.h"
#include "usual.h"

#include <locale.h>
#include <stdlib.h>

static void type(const char *text)
{
    ui.model.now_ms += view_deaf_ms(&ui.state, ui.model.now_ms);
    for (; *text != '\0'; text++) {
        (void)ui_key(&ui, (struct key){(uint32_t)*text});
        ui_refresh(&ui);
    }
}

static void enter_opens_and_esc_returns(void **state)
{
    (void)state;
    hit("j Enter");
    assert_int_equal(ui.state.view, VIEW_DETAILS);
    assert_string_equal(guest_list_selected(&ui.state.list)->vm.name, "beta");
    hit("j"); /* the next guest, as tig does it */
    assert_string_equal(guest_list_selected(&ui.state.list)->vm.name, "gamma");

    hit("?");
    assert_int_equal(ui.state.view, VIEW_HELP);
    hit("Esc");
    assert_int_equal(ui.state.view, VIEW_DETAILS);
    hit("q");
    assert_int_equal(ui.state.view, VIEW_VMS);
}

static void q_leaves_a_view_and_then_the_tui(void **state)
{
    (void)state;
    assert_false(hit("2 q") & ACT_QUIT);
    assert_true(hit("q") & ACT_QUIT);
    assert_true(hit("2 Q") & ACT_QUIT);
}

static void a_filter_lives_while_it_is_typed(void **state)
{
    (void)state;
    hit("/");
    type("alp");
    assert_int_equal(ui.state.list.count, 1);
    hit("Backspace Backspace Backspace");
    assert_int_equal(ui.state.list.count, 3);
    type("state:running");
    hit("Enter");
    assert_int_equal(ui.state.prompt.kind, PROMPT_NONE);
    assert_int_equal(ui.state.list.count, 2);

    hit("Esc");
    assert_int_equal(ui.state.list.count, 3);
    hit("/ Up"); /* what was typed before */
    assert_string_equal(ui.state.prompt.text, "state:running");
    hit("Esc");
    assert_int_equal(ui.state.list.count, 3);
}

static void commands_are_typed_by_name_or_the_start_of_it(void **state)
{
    (void)state;
    hit(":");
    type("sort cpu");
    hit("Enter");
    assert_string_equal(ui.state.list.sort->name, "cpu");
    assert_true(ui.state.list.descending);
    hit(":");
    type("hosts");
    hit("Enter");
    assert_int_equal(ui.state.view, VIEW_HOSTS);
    hit(":");
    type("screenshot /tmp/x");
    assert_true(hit("Enter") & ACT_SHOT);
    assert_string_equal(ui.text, "/tmp/x");
}

static void what_makes_no_sense_is_said_and_changes_nothing(void **state)
{
    static const char *const lines[] = {"nonsense", "sort nosuch", "hosts now", "screenshot", "s"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ui.state.message.until_ms = 0;
        hit(":");
        type(lines[i]);
        assert_int_equal(hit("Enter"), ACT_DRAW);
        assert_true(ui.state.message.until_ms > ui.model.now_ms);
        assert_int_equal(ui.state.view, VIEW_VMS);
        assert_string_equal(ui.state.list.sort->name, "name");
    }
}

static void tab_completes_a_command(void **state)
{
    (void)state;
    hit(":");
    type("hos");
    hit("Tab");
    assert_string_equal(ui.state.prompt.text, "hosts");
    hit("C-u Tab"); /* nothing is certain */
    assert_string_equal(ui.state.prompt.text, "");
    assert_non_null(strstr(ui.state.message.text, "screenshot"));
    type("s");
    hit("Tab");
    assert_string_equal(ui.state.prompt.text, "s");
}

static void a_line_is_edited_by_characters_not_bytes(void **state)
{
    (void)state;
    hit("/");
    (void)ui_key(&ui, (struct key){0x6771});
    (void)ui_key(&ui, (struct key){'x'});
    assert_string_equal(ui.state.prompt.text, "東x");
    hit("Left Backspace");
    assert_string_equal(ui.state.prompt.text, "x");
    hit("End");
    type(" yy");
    hit("C-w");
    assert_string_equal(ui.state.prompt.text, "x ");
    hit("C-u");
    assert_string_equal(ui.state.prompt.text, "");
    hit("Backspace"); /* rubbing out nothing leaves */
    assert_int_equal(ui.state.prompt.kind, PROMPT_NONE);
}

static void a_prompt_takes_no_more_than_it_holds(void **state)
{
    (void)state;
    hit("/");
    for (int i = 0; i < 2 * PROMPT_BYTES; i++) {
        (void)ui_key(&ui, (struct key){'x'});
    }
    assert_int_equal(ui.state.prompt.length, PROMPT_BYTES - 1);
}

static void a_host_opens_its_guests(void **state)
{
    (void)state;
    hit("2 Enter");
    assert_int_equal(ui.state.view, VIEW_VMS);
    assert_string_equal(ui.state.list.filter, "host:h1");
    assert_int_equal(ui.state.list.count, 3);
}

static void scrolling_ends_with_the_text(void **state)
{
    (void)state;
    hit("? G");
    int end = ui.state.scroll;
    hit("PgDn j");
    assert_int_equal(ui.state.scroll, end);
    hit("g k");
    assert_int_equal(ui.state.scroll, 0);
}

static void a_frozen_picture_only_thaws_or_ends(void **state)
{
    (void)state;
    hit("Z");
    assert_true(ui.state.frozen);

    assert_int_equal(hit("j"), ACT_NOTHING);
    assert_int_equal(hit("%"), ACT_NOTHING);
    assert_int_equal(hit("/"), ACT_NOTHING);
    assert_int_equal(ui.state.list.cursor, 0);
    assert_int_equal(ui.state.prompt.kind, PROMPT_NONE);

    hit("Esc");
    assert_false(ui.state.frozen);
    hit("Z Z j");
    assert_int_equal(ui.state.list.cursor, 1);
}

static void settings_come_back_and_nonsense_is_skipped(void **state)
{
    char text[256];

    (void)state;
    hit(":");
    type("sort mem");
    hit("Enter z H");
    settings_write(&ui.state, text, sizeof(text));
    tear_down(NULL);
    set_up(NULL);

    settings_read(&ui.state, "sort nosuch\nheader 9\nzoom x\nwhat is this\n");
    assert_string_equal(ui.state.list.sort->name, "name");
    assert_int_equal(ui.state.header_lines, 2);
    settings_read(&ui.state, text);
    assert_string_equal(ui.state.list.sort->name, "mem");
    assert_true(ui.state.list.descending);
    assert_true(ui.state.zoomed);
    assert_int_equal(ui.state.header_lines, 1);
}

/* What ui.ask would send first, to be freed. */
static char *params_of_ask(void)
{
    return ask_params(&ui.ask, 0);
}

static void what_is_light_is_asked_for_at_once(void **state)
{
    (void)state;
    assert_int_equal(hit("j s"), ACT_DRAW | ACT_ASK);
    char *params = params_of_ask();
    assert_string_equal(ui.ask.method, "vm.start");
    assert_non_null(strstr(params, "\"vm\":\"h1/"));
    assert_non_null(strstr(params, "\"wait\":true"));
    assert_non_null(strstr(params, "\"request_id\":\""));
    free(params);
}

static void what_hurts_wants_its_own_yes(void **state)
{
    (void)state;
    assert_false(hit("S") & ACT_ASK);
    assert_true(hit("y") & ACT_ASK);
    assert_string_equal(ui.ask.method, "vm.shutdown");

    assert_false(hit("D y") & ACT_ASK); /* the habit's key is not enough */
    assert_null(ui.ask.method);
    assert_true(hit("D Y") & ACT_ASK);
    assert_string_equal(ui.ask.method, "vm.stop");
}

static void a_deletion_wants_the_name_typed(void **state)
{
    (void)state;
    (void)hit("X");
    type("beta");
    assert_false(hit("Enter") & ACT_ASK);
    assert_null(ui.ask.method);

    (void)hit("X");
    type("alpha");
    assert_true(hit("Enter") & ACT_ASK);
    assert_string_equal(ui.ask.method, "vm.delete");

    (void)hit("X");
    assert_false(hit("Esc") & ACT_ASK);
    assert_int_equal(ui.state.prompt.kind, PROMPT_NONE);
}

static void what_is_done_to_marked_guests_is_done_to_all_of_them(void **state)
{
    (void)state;
    (void)hit("Space");
    (void)hit("Space");
    assert_true(hit("s") & ACT_ASK);
    assert_int_equal(ask_count(&ui.ask), 2);
    (void)hit("\\");
    assert_true(hit("s") & ACT_ASK);
    assert_int_equal(ask_count(&ui.ask), 1);

    (void)hit("g Space Space X");
    type("delete 2");
    assert_true(hit("Enter") & ACT_ASK);
    assert_int_equal(ask_count(&ui.ask), 2);
}

static void a_creation_is_typed_and_weighed(void **state)
{
    (void)state;
    static const struct lodge_quota quota = {
        .limits = {2, 8, 4096, LODGE_UNKNOWN},
        .promised = {2, 3, 512, 10},
    };
    model_take_quota(&ui.model, &quota, &quota);
    (void)hit(":");
    type("create new 2 1G 10G network=none start");
    assert_non_null(strstr(ui.state.message.text, "VMs 3/2!"));
    assert_non_null(strstr(ui.state.message.text, "vCPUs 5/8"));
    assert_non_null(strstr(ui.state.message.text, "over the quota"));

    assert_true(hit("Enter") & ACT_ASK);
    char *params = params_of_ask();
    assert_string_equal(ui.ask.method, "vm.create");
    assert_non_null(strstr(params, "\"name\":\"new\",\"vcpus\":2,\"memory_mib\":1024,"
                                   "\"disks\":[{\"size_gib\":10}],\"network\":null,"
                                   "\"start\":true"));
    free(params);
    assert_string_equal(ui.ask.what, "create new");
}

static void a_disk_that_is_rounded_is_said(void **state)
{
    (void)state;
    (void)hit(":");
    type("create new 2 1G 1500M");
    assert_true(hit("Enter") & ACT_ASK);
    assert_string_equal(ui.ask.what, "create new with a disk of 2 GiB, for 1500M");
}

static void the_form_is_filled_and_sent(void **state)
{
    (void)state;
    model_add_offer(&ui.model, OFFER_ISO, "debian.iso");
    model_add_offer(&ui.model, OFFER_ISO, "fedora.iso");
    assert_true(hit("i") & ACT_OFFERS);
    assert_true(ui.state.form.open);
    assert_string_equal(ui.state.form.text[FORM_VCPUS], USUAL_VCPUS); /* as the verb has them */
    assert_string_equal(ui.state.form.text[FORM_MEMORY], USUAL_MEMORY);
    assert_string_equal(ui.state.form.text[FORM_DISK], USUAL_DISK);
    type("new");
    (void)hit("Tab"); /* over the host: there is but one */
    assert_int_equal(ui.state.form.at, FORM_VCPUS);
    (void)hit("Backspace");
    type("2");
    (void)hit("Down Down Down Down Right Right Down Down");
    type("none");

    assert_true(hit("Enter") & ACT_ASK);
    char *params = params_of_ask();
    assert_string_equal(ui.ask.method, "vm.create");
    assert_non_null(strstr(params, "\"name\":\"new\",\"vcpus\":2,\"memory_mib\":1024,"
                                   "\"disks\":[{\"size_gib\":10}],\"iso\":\"fedora.iso\","
                                   "\"network\":null,\"start\":true"));
    free(params);
    assert_false(hit("Enter") & ACT_ASK); /* once */
}

/* Enter in the form: the number of what it asks for, 0: nothing. */
static unsigned enter(void)
{
    bool asks = (hit("Enter") & ACT_ASK) != 0;
    unsigned number = asks ? ui.ask.number : 0;

    ask_done(&ui.ask); /* it is sent */
    return number;
}

static void what_the_daemon_refuses_is_said_in_the_form(void **state)
{
    (void)state;
    (void)hit("i");
    type("new");
    unsigned number = enter();
    assert_int_not_equal(number, 0);

    assert_false(create_answered(&ui, number + 1, true, "create new: not this one"));
    assert_true(create_answered(&ui, number, true, "create new: over the quota"));
    assert_true(ui.state.form.open);
    assert_string_equal(ui.state.form.wrong, "create new: over the quota");
    assert_string_equal(ui.state.form.text[FORM_NAME], "new");
    assert_int_not_equal(enter(), 0); /* again */
}

static void the_form_stays_until_a_key_leaves_it(void **state)
{
    (void)state;
    (void)hit("i");
    type("new");
    unsigned number = enter();

    assert_true(create_answered(&ui, number, false, "create new: done in 0.1 s"));
    assert_true(ui.state.form.open);
    assert_string_equal(ui.state.form.done, "create new: done in 0.1 s");
    assert_string_equal(ui.state.form.text[FORM_NAME], "");
    assert_int_equal(type_at_once("sDY"), ACT_DRAW); /* the list hears none of it */
    assert_string_equal(ui.state.form.text[FORM_NAME], "sDY");
    (void)hit("C-u Enter Enter"); /* by one that is meant */
    assert_true(ui.state.form.open);
    (void)hit("Esc");
    assert_false(ui.state.form.open);
}

static void what_was_typed_while_the_form_waits_is_kept(void **state)
{
    (void)state;
    (void)hit("i");
    type("one");
    unsigned number = enter();
    (void)hit("C-u");
    type("two");
    (void)create_answered(&ui, number, false, "create one: done in 0.1 s");
    assert_string_equal(ui.state.form.text[FORM_NAME], "two");

    (void)hit("Enter");
    (void)hit("Esc");
    assert_false(create_answered(&ui, ui.ask.number, true, "create two: no"));
    assert_false(ui.state.form.open); /* it does not come back by itself */
    assert_int_equal(ui.state.form.waits, 0);
}

static void a_form_that_cannot_be_read_is_not_sent(void **state)
{
    (void)state;
    (void)hit("i");
    assert_false(hit("Enter") & ACT_ASK);
    assert_non_null(strstr(ui.state.form.wrong, "name"));
    type("new");
    (void)hit("Tab");
    type("x");
    assert_false(hit("Enter") & ACT_ASK);
    assert_int_equal(ui.state.form.at, FORM_VCPUS);
    (void)hit("Esc");
    assert_false(ui.state.form.open);
    (void)hit("i");
    assert_string_equal(ui.state.form.text[FORM_NAME], "new"); /* it was not lost */
}

static void a_viewer_gets_no_form(void **state)
{
    (void)state;
    model_take_server(&ui.model, NULL, NULL, xstrdup("viewer"));
    (void)hit("i");
    assert_false(ui.state.form.open);
    assert_non_null(strstr(ui.state.message.text, "viewers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(enter_opens_and_esc_returns),
        UI_TEST(q_leaves_a_view_and_then_the_tui),
        UI_TEST(a_filter_lives_while_it_is_typed),
        UI_TEST(commands_are_typed_by_name_or_the_start_of_it),
        UI_TEST(what_makes_no_sense_is_said_and_changes_nothing),
        UI_TEST(tab_completes_a_command),
        UI_TEST(a_line_is_edited_by_characters_not_bytes),
        UI_TEST(a_prompt_takes_no_more_than_it_holds),
        UI_TEST(a_host_opens_its_guests),
        UI_TEST(scrolling_ends_with_the_text),
        UI_TEST(a_frozen_picture_only_thaws_or_ends),
        UI_TEST(settings_come_back_and_nonsense_is_skipped),
        UI_TEST(what_is_light_is_asked_for_at_once),
        UI_TEST(what_hurts_wants_its_own_yes),
        UI_TEST(a_deletion_wants_the_name_typed),
        UI_TEST(what_is_done_to_marked_guests_is_done_to_all_of_them),
        UI_TEST(a_creation_is_typed_and_weighed),
        UI_TEST(a_disk_that_is_rounded_is_said),
        UI_TEST(the_form_is_filled_and_sent),
        UI_TEST(what_the_daemon_refuses_is_said_in_the_form),
        UI_TEST(the_form_stays_until_a_key_leaves_it),
        UI_TEST(what_was_typed_while_the_form_waits_is_kept),
        UI_TEST(a_form_that_cannot_be_read_is_not_sent),
        UI_TEST(a_viewer_gets_no_form),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
