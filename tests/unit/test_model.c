/* What the TUI knows, from events alone. */
#include "support/test.h"

#include "input/commands.h"
#include "support/fleet.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct model model;

static int set_up(void **state)
{
    (void)state;
    model_init(&model, &tui_commands);
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

static void the_same_uuid_on_two_hosts_is_two_guests(void **state)
{
    char uuid[37];

    (void)state;
    fleet_uuid(1, uuid);
    fleet_add(&model, 1, "web", LODGE_VM_RUNNING);
    fleet_tell(&model, LODGE_EVENT_ADDED,
               (struct fleet_guest){.number = 1, .name = "web", .host = "h2"});

    assert_int_equal(model.count, 2);
    assert_ptr_not_equal(model_find(&model, "h1", uuid), model_find(&model, "h2", uuid));
    assert_null(model_find(&model, "h3", uuid));
}

static void a_thousand_guests_are_found_and_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        fleet_add(&model, i, "guest", i % 2 == 0 ? LODGE_VM_RUNNING : LODGE_VM_SHUTOFF);
    }

    model_count(&model);

    assert_int_equal(model.total, 1000);
    assert_int_equal(model.by_state[LODGE_VM_RUNNING], 500);
    for (int i = 0; i < 1000; i++) {
        assert_non_null(fleet_row(&model, i));
    }
}

static void a_removed_guest_stays_for_a_moment_and_then_goes(void **state)
{
    (void)state;
    fleet_add(&model, 1, "web", LODGE_VM_RUNNING);
    fleet_remove(&model, 1);

    model.now_ms += GONE_MS - 1;
    assert_int_equal(model_expire(&model), FLEET_NOW + GONE_MS);
    assert_non_null(fleet_row(&model, 1));
    model.now_ms += 1;
    assert_int_equal(model_expire(&model), 0);
    assert_null(fleet_row(&model, 1));
}

static void a_guest_that_returns_is_not_gone(void **state)
{
    (void)state;
    fleet_add(&model, 1, "web", LODGE_VM_RUNNING);
    fleet_remove(&model, 1);
    fleet_add(&model, 1, "web", LODGE_VM_RUNNING);

    model.now_ms += 2 * GONE_MS;
    (void)model_expire(&model);

    assert_non_null(fleet_row(&model, 1));
}

static void after_a_reset_only_what_is_told_again_stays(void **state)
{
    (void)state;
    fleet_add(&model, 1, "stays", LODGE_VM_RUNNING);
    fleet_add(&model, 2, "goes", LODGE_VM_RUNNING);

    fleet_say(&model, LODGE_EVENT_RESET);
    assert_true(model_row_is_stale(&model, fleet_row(&model, 1)));
    fleet_add(&model, 1, "stays", LODGE_VM_RUNNING);
    fleet_say(&model, LODGE_EVENT_READY);

    assert_false(model_row_is_stale(&model, fleet_row(&model, 1)));
    assert_int_equal(fleet_row(&model, 1)->gone_ms, 0);
    assert_int_not_equal(fleet_row(&model, 2)->gone_ms, 0);
}

static void guests_of_a_host_that_is_not_read_yet_are_kept(void **state)
{
    struct lodge_event ready = fleet_event(LODGE_TOPIC_NONE, LODGE_EVENT_READY);

    (void)state;
    fleet_host(&model, "h1", LODGE_HOST_UP, NULL);
    fleet_add(&model, 1, "web", LODGE_VM_RUNNING);
    fleet_say(&model, LODGE_EVENT_RESET);
    assert_true(lodge_strings_add(&ready.incomplete, "h1"));
    fleet_host(&model, "h1", LODGE_HOST_CONNECTING, NULL);
    model_apply(&model, &ready);
    lodge_strings_clear(&ready.incomplete);

    model.now_ms += 60000;
    (void)model_expire(&model);
    assert_non_null(fleet_row(&model, 1));
    assert_int_equal(fleet_row(&model, 1)->gone_ms, 0);

    fleet_host(&model, "h1", LODGE_HOST_UP, NULL); /* and it does not tell of the guest */
    (void)model_expire(&model);
    assert_int_not_equal(fleet_row(&model, 1)->gone_ms, 0);
}

static void names_are_made_fit_to_show_on_entry(void **state)
{
    (void)state;
    fleet_add(&model, 1, "a\x1b[2Jb", LODGE_VM_RUNNING);

    assert_null(strchr(fleet_row(&model, 1)->vm.name, '\x1b'));
}

static void a_guest_that_stops_has_no_load(void **state)
{
    (void)state;
    fleet_add(&model, 1, "web", LODGE_VM_RUNNING);
    fleet_sample(&model, 1, 50, FLEET_NOW);
    assert_true(fleet_row(&model, 1)->vm.stats.cpu_percent == 50);

    fleet_tell(&model, LODGE_EVENT_CHANGED,
               (struct fleet_guest){.number = 1, .name = "web", .state = LODGE_VM_SHUTOFF});

    assert_true(isnan(fleet_row(&model, 1)->vm.stats.cpu_percent));
}

static void the_hung_and_the_stale_are_counted_as_such(void **state)
{
    (void)state;
    fleet_tell(
        &model, LODGE_EVENT_ADDED,
        (struct fleet_guest){
            .number = 1, .name = "hung", .state = LODGE_VM_RUNNING, .unresponsive = FLEET_NOW});
    fleet_tell(&model, LODGE_EVENT_ADDED,
               (struct fleet_guest){
                   .number = 2, .name = "stale", .state = LODGE_VM_RUNNING, .stale = FLEET_NOW});

    model_count(&model);

    assert_int_equal(model.hung, 1);
    assert_int_equal(model.stale, 1);
    assert_int_equal(model.by_state[LODGE_VM_RUNNING], 0);
    assert_int_equal(model.total, 2);
}

static void a_history_has_a_place_for_each_second(void **state)
{
    struct history history = {0};
    double values[HISTORY_SECONDS];

    (void)state;
    history_add(&history, 100000, 10);
    history_add(&history, 101000, 20);
    history_add(&history, 103500, 40); /* jitter: 102 is filled */
    history_add(&history, 107000, 80); /* a gap: 104 to 106 are not */

    assert_int_equal(history_values(&history, 107900, values), 107);
    assert_true(values[HISTORY_SECONDS - 1] == 80);
    assert_true(isnan(values[HISTORY_SECONDS - 2]));
    assert_true(values[HISTORY_SECONDS - 5] == 40);
    assert_true(values[HISTORY_SECONDS - 6] == 40);
    assert_true(values[HISTORY_SECONDS - 7] == 20);
    assert_true(values[HISTORY_SECONDS - 8] == 10);
    assert_true(isnan(values[HISTORY_SECONDS - 9]));
}

static void an_old_history_shows_its_age(void **state)
{
    struct history history = {0};
    double values[HISTORY_SECONDS];

    (void)state;
    history_add(&history, 100000, 10);

    assert_int_equal(history_values(&history, 110000, values), 110);
    assert_true(isnan(values[HISTORY_SECONDS - 1]));
    assert_true(values[HISTORY_SECONDS - 11] == 10);
}

static void what_happens_after_all_was_told_is_remembered_newest_first(void **state)
{
    (void)state;
    fleet_add(&model, 1, "web", LODGE_VM_RUNNING);
    fleet_say(&model, LODGE_EVENT_READY);
    assert_int_equal(model_activity_count(&model), 0); /* it was there before we looked */

    fleet_add(&model, 1, "web", LODGE_VM_CRASHED);
    fleet_add(&model, 2, "db", LODGE_VM_SHUTOFF);
    fleet_add(&model, 2, "db", LODGE_VM_SHUTOFF); /* nothing new */

    assert_int_equal(model_activity_count(&model), 2);
    assert_non_null(strstr(model_activity(&model, 0)->text, "db  is there (shutoff)"));
    assert_false(model_activity(&model, 0)->bad);
    assert_non_null(strstr(model_activity(&model, 1)->text, "web  crashed"));
    assert_true(model_activity(&model, 1)->bad);

    fleet_say(&model, LODGE_EVENT_RESET);
    fleet_add(&model, 3, "old", LODGE_VM_RUNNING); /* told again, or seen for the first time */
    fleet_say(&model, LODGE_EVENT_READY);
    assert_int_equal(model_activity_count(&model), 2);
}

static void of_much_activity_the_last_thousand_stay(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_ACTIVITIES + 5; i++) {
        model_note(&model, false, "%d", i);
    }

    assert_int_equal(model_activity_count(&model), MODEL_ACTIVITIES);
    assert_string_equal(model_activity(&model, 0)->text, "1004");
    assert_string_equal(model_activity(&model, MODEL_ACTIVITIES - 1)->text, "5");
}

static void an_operation_is_said_when_it_begins_and_when_it_ends(void **state)
{
    (void)state;
    struct lodge_event event = fleet_event(LODGE_TOPIC_OP, LODGE_EVENT_CHANGED);
    char kind[] = "vm.start";
    char vm[] = "web";
    char user[] = "alice";
    event.op = (struct lodge_op){.id = 7, .kind = kind, .vm = vm, .user = user};
    event.op.state = LODGE_OP_RUNNING;
    event.op.started_at = FLEET_NOW - 1500;
    fleet_say(&model, LODGE_EVENT_READY);

    model_apply(&model, &event);
    model_apply(&model, &event);
    assert_int_equal(model_activity_count(&model), 1);
    assert_string_equal(model_activity(&model, 0)->text, "web  start began (alice)");
    event.op.state = LODGE_OP_DONE;
    event.op.ended_at = FLEET_NOW;
    model_apply(&model, &event);
    model_apply(&model, &event);

    assert_int_equal(model_activity_count(&model), 2);
    assert_string_equal(model_activity(&model, 0)->text, "web  start done, 1.5 s");
}

static void what_an_operation_has_to_note_is_said_at_its_end(void **state)
{
    (void)state;
    struct lodge_event event = fleet_event(LODGE_TOPIC_OP, LODGE_EVENT_CHANGED);
    char kind[] = "vm.create";
    char vm[] = "web";
    char note[] = "it is off (vm.start); `network: null` says none";
    char *notes[] = {note};
    event.op = (struct lodge_op){.id = 7, .kind = kind, .vm = vm, .notes = {notes, 1}};
    event.op.state = LODGE_OP_RUNNING;
    fleet_say(&model, LODGE_EVENT_READY);

    model_apply(&model, &event);
    assert_int_equal(model_activity_count(&model), 1);
    event.op.state = LODGE_OP_DONE;
    event.op.ended_at = FLEET_NOW;
    model_apply(&model, &event);

    assert_int_equal(model_activity_count(&model), 3);
    assert_string_equal(model_activity(&model, 0)->text,
                        "web  create: it is off (key s); network none says none");
}

static void limits_that_change_are_taken_and_those_of_others_are_not(void **state)
{
    (void)state;
    struct lodge_event event = fleet_event(LODGE_TOPIC_QUOTA, LODGE_EVENT_CHANGED);
    char others[] = "eve";
    char mine[] = "me";
    const struct lodge_quota before = {.limits = {1, 1, 1, 1}};
    model_take_server(&model, NULL, strdup("me"), strdup("user"));
    model_take_quota(&model, &before, &before);

    event.quota = (struct lodge_quota_of){LODGE_QUOTA_USER, others, {.limits = {2, 2, 2, 2}}};
    model_apply(&model, &event);
    assert_int_equal(model.quota.user.limits.vms, 1);

    event.quota.user = mine;
    model_apply(&model, &event);
    event.quota = (struct lodge_quota_of){LODGE_QUOTA_SYSTEM, NULL, {.limits = {3, 3, 3, 3}}};
    model_apply(&model, &event);
    assert_int_equal(model.quota.user.limits.vms, 2);
    assert_int_equal(model.quota.system.limits.vms, 3);
}

#define MODEL_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL_TEST(the_same_uuid_on_two_hosts_is_two_guests),
        MODEL_TEST(a_thousand_guests_are_found_and_counted),
        MODEL_TEST(a_removed_guest_stays_for_a_moment_and_then_goes),
        MODEL_TEST(a_guest_that_returns_is_not_gone),
        MODEL_TEST(after_a_reset_only_what_is_told_again_stays),
        MODEL_TEST(guests_of_a_host_that_is_not_read_yet_are_kept),
        MODEL_TEST(names_are_made_fit_to_show_on_entry),
        MODEL_TEST(a_guest_that_stops_has_no_load),
        MODEL_TEST(the_hung_and_the_stale_are_counted_as_such),
        MODEL_TEST(what_happens_after_all_was_told_is_remembered_newest_first),
        MODEL_TEST(of_much_activity_the_last_thousand_stay),
        MODEL_TEST(what_an_operation_has_to_note_is_said_at_its_end),
        MODEL_TEST(limits_that_change_are_taken_and_those_of_others_are_not),
        MODEL_TEST(an_operation_is_said_when_it_begins_and_when_it_ends),
        TEST(a_history_has_a_place_for_each_second),
        TEST(an_old_history_shows_its_age),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
