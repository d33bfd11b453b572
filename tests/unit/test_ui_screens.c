/* What keys do to guests' screens, and to who looks at them. */
#include "support/test.h"

#include "base64.h"
#include "cli/browser.h"
#include "memory.h"
#include "scope.h"
#include "support/png.h"
#include "support/seen.h"
#include "support/ui_world.h"

#include <stdlib.h>
#include <unistd.h>

#define ALPHA "h1/00000000-0000-4000-8000-000000000001"

static void tell_session(int64_t number, enum lodge_session_state session_state,
                         enum lodge_event_type type)
{
    struct lodge_event event = fleet_event(LODGE_TOPIC_SESSION, type);
    char vm[] = "alpha";
    char user[] = "alice";
    event.session = (struct lodge_session){.session = number, .vm = vm, .user = user};
    event.session.state = session_state;
    event.session.mode = LODGE_SESSION_RW;
    event.session.idle_s = LODGE_UNKNOWN;
    model_apply(&ui.model, &event);
}

static void a_screen_is_asked_for_by_its_guests_uuid(void **state)
{
    (void)state;
    assert_true(hit("v") & ACT_ASK);
    AUTO(free) char *params = ask_params(&ui.ask, 0);
    assert_string_equal(ui.ask.method, "console.open");
    assert_string_equal(params, "{\"mode\":\"rw\",\"vm\":\"" ALPHA "\"}");
    assert_false(hit("V") & ACT_ASK);
    assert_non_null(strstr(ui.state.prompt.label, "alpha"));
    assert_true(hit("o") & ACT_ASK);
    AUTO(free) char *looks = ask_params(&ui.ask, 0);
    assert_non_null(strstr(looks, "\"ro\""));
    (void)hit("V");
    assert_false(hit("Esc") & ACT_ASK);
}

static void without_a_browser_the_address_goes_to_the_clipboard(void **state)
{
    (void)state;
    unsetenv("BROWSER");
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    unsigned acts = screen_opened(&ui, SCREEN_BROWSER, ALPHA,
                                  "{\"session\":7,\"url\":\"http://127.0.0.1:6080/#ticket=x\"}");
    assert_true(acts & ACT_COPY);
    assert_string_equal(ui.text, "http://127.0.0.1:6080/#ticket=x");
    assert_non_null(strstr(ui.state.message.text, "ssh -L 6080:127.0.0.1:6080"));
}

static void the_browsers_file_goes_when_its_session_is_open(void **state)
{
    (void)state;
    setenv("BROWSER", "/bin/true", 1);
    (void)screen_opened(&ui, SCREEN_BROWSER, ALPHA,
                        "{\"session\":7,\"url\":\"http://127.0.0.1:6080/#ticket=x\"}");
    assert_non_null(ui.link.file);
    AUTO(free) char *file = xstrdup(ui.link.file);
    tell_session(7, LODGE_SESSION_WAITS, LODGE_EVENT_ADDED);
    screen_forget_link(&ui, false);
    assert_int_equal(access(file, R_OK), 0);
    tell_session(7, LODGE_SESSION_OPEN, LODGE_EVENT_CHANGED);
    screen_forget_link(&ui, false);
    assert_null(ui.link.file);
    assert_int_not_equal(access(file, R_OK), 0);
    unsetenv("BROWSER");
}

/* As vm.screenshot answers. */
static char *answer_of(const unsigned char *rgb, unsigned width, unsigned height)
{
    struct buffer answer = {0};
    size_t size;
    AUTO(free) void *png = png_of(rgb, width, height, &size);

    buffer_add_text(&answer, "{\"mime\":\"image/png\",\"data\":\"");
    base64_write(&answer, png, size);
    buffer_add_text(&answer, "\"}");
    return buffer_take(&answer);
}

static void a_picture_of_a_screen_has_a_view_and_can_be_taken_again(void **state)
{
    static const unsigned char rgb[2 * 2 * 3] = {9};
    AUTO(free) char *answer = answer_of(rgb, 2, 2);

    (void)state;
    assert_true(hit("V p") & ACT_ASK);
    AUTO(free) char *params = ask_params(&ui.ask, 0);
    assert_string_equal(ui.ask.method, "vm.screenshot");
    assert_string_equal(params, "{\"vm\":\"" ALPHA "\"}");
    (void)hit("j"); /* the answer is about alpha all the same */
    (void)screen_opened(&ui, SCREEN_PICTURE, ALPHA, answer);
    assert_int_equal(ui.state.view, VIEW_SCREEN);
    assert_string_equal(ui.state.shot.name, "alpha");
    assert_int_equal(ui.state.shot.pixels.was_wide, 2);
    assert_true(hit("r") & ACT_ASK);
    AUTO(free) char *again = ask_params(&ui.ask, 0);
    assert_string_equal(again, params);
    (void)screen_opened(&ui, SCREEN_PICTURE, ALPHA, answer);
    (void)hit("Esc");
    assert_int_equal(ui.state.view, VIEW_VMS); /* once: it was the view already */
}

static void a_picture_that_comes_late_takes_nobody_s_prompt_away(void **state)
{
    static const unsigned char rgb[3] = {9};
    AUTO(free) char *answer = answer_of(rgb, 1, 1);

    (void)state;
    (void)hit(": a g a i n Enter");
    assert_non_null(strstr(ui.state.message.text, "no picture was taken yet"));
    (void)hit("V p /");
    (void)screen_opened(&ui, SCREEN_PICTURE, ALPHA, answer);
    assert_int_equal(ui.state.view, VIEW_VMS);
    assert_string_equal(ui.state.message.text, "the picture of alpha is there: :screen");
    (void)hit("Esc : s c r e e n Enter");
    assert_int_equal(ui.state.view, VIEW_SCREEN);
}

static void an_answer_without_a_picture_is_said_and_changes_nothing(void **state)
{
    static const unsigned char rgb[3] = {9};
    AUTO(free) char *answer = answer_of(rgb, 1, 1);

    (void)state;
    (void)screen_opened(&ui, SCREEN_PICTURE, ALPHA, "{\"mime\":\"image/png\"}");
    assert_int_equal(ui.state.view, VIEW_VMS);
    assert_non_null(strstr(ui.state.message.text, "no picture"));
    (void)screen_opened(&ui, SCREEN_PICTURE, ALPHA, "{\"data\":\"bm8gUE5H\"}");
    assert_int_equal(ui.state.view, VIEW_VMS);
    assert_non_null(strstr(ui.state.message.text, "cannot be read"));
    (void)screen_opened(&ui, SCREEN_PICTURE, "h1/gone", answer);
    assert_int_equal(ui.state.view, VIEW_SCREEN);
    assert_false(hit("r") & ACT_ASK);
    assert_string_equal(ui.state.message.text, "h1/gone is not there any more");
}

static void somebodys_look_is_ended_by_a_yes(void **state)
{
    (void)state;
    tell_session(7, LODGE_SESSION_OPEN, LODGE_EVENT_ADDED);
    tell_session(8, LODGE_SESSION_AWAY, LODGE_EVENT_ADDED);
    (void)hit("6");
    (void)hit("j");
    assert_false(hit("K") & ACT_ASK);
    assert_string_equal(ui.state.prompt.label, "End alice's look at alpha?");
    tell_session(7, LODGE_SESSION_OPEN, LODGE_EVENT_REMOVED); /* the question was about 8 */
    assert_true(hit("y") & ACT_ASK);
    AUTO(free) char *params = ask_params(&ui.ask, 0);
    assert_string_equal(params, "{\"session\":8}");
    fleet_say(&ui.model, LODGE_EVENT_RESET);
    assert_int_equal(ui.model.session_count, 0);
}

static void tell_pending(const char *member)
{
    struct lodge_event event = fleet_event(LODGE_TOPIC_VM, LODGE_EVENT_CHANGED);
    fleet_uuid(1, event.vm.uuid);
    event.vm.name = xstrdup("alpha");
    event.vm.host = xstrdup("h1");
    event.vm.state = LODGE_VM_RUNNING;
    assert_true(member == NULL || (lodge_strings_add(&event.vm.pending, member) &&
                                   lodge_strings_add(&event.vm.pending, "boot")));
    model_apply(&ui.model, &event);
    lodge_vm_clear(&event.vm);
}

static void what_waits_for_the_next_boot_is_seen(void **state)
{
    (void)state;
    tell_pending("memory_mib");
    AUTO(free) char *list = picture(80, 24);
    assert_non_null(strstr(list, "R+alpha"));
    assert_non_null(strstr(list, "R gamma"));
    (void)hit("Enter");
    AUTO(free) char *details = picture(80, 24);
    assert_non_null(strstr(details, "next boot memory, boot order"));
    tell_pending(NULL);
    AUTO(free) char *after = picture(80, 24);
    assert_null(strstr(after, "next boot"));
    (void)hit("Esc");
    AUTO(free) char *as_before = picture(80, 24);
    assert_non_null(strstr(as_before, "R alpha"));
}

static void being_over_a_quota_is_said_with_by_how_much(void **state)
{
    static const struct lodge_quota within = {.limits = {3, 4, 512, LODGE_UNKNOWN},
                                              .promised = {3, 1, 512, 9}};
    static const struct lodge_quota over = {.limits = {1, 0, 512, LODGE_UNKNOWN},
                                            .promised = {3, 1, 640, 9}};
    (void)state;
    (void)hit("3");
    model_take_quota(&ui.model, &within, &within);
    AUTO(free) char *before = picture(80, 24);
    assert_null(strstr(before, "over"));
    assert_non_null(strstr(before, "512 of 512 (near), 0 running"));
    model_take_quota(&ui.model, &within, &over);
    AUTO(free) char *after = picture(80, 24);
    assert_non_null(strstr(after, "over by 2 VMs: 3 of 1, 0 running"));
    assert_non_null(strstr(after, "over by 1 vCPU: 1 of 0, 0 running"));
    assert_non_null(strstr(after, "over by 128 MiB: 640 of 512, 0 running"));
    AUTO(free) char *narrow = picture(40, 20);
    assert_non_null(strstr(narrow, "over by 128 MiB: 640 "));
}

/* The tasks, when this deletion is all there is: the caller frees. */
static char *task_picture(struct lodge_op op)
{
    enum { WIDE = 100, HIGH = 3 };
    struct canvas canvas;
    struct lodge_event event = fleet_event(LODGE_TOPIC_OP, LODGE_EVENT_CHANGED);
    char kind[] = "vm.delete";
    char vm[] = "web";
    char step[] = "volumes";
    event.op = op;
    event.op.id = 7;
    event.op.kind = kind;
    event.op.vm = vm;
    event.op.step = step;
    event.op.started_at = FLEET_NOW;
    model_apply(&ui.model, &event);

    canvas_init(&canvas, WIDE, HIGH, GLYPHS_DOTS);
    tasks_draw(&ui.model, &ui.state, &canvas, canvas_area(&canvas));

    char *drawn = canvas_to_text(&canvas);
    canvas_done(&canvas);
    return drawn;
}

static void an_operation_that_waits_shows_why(void **state)
{
    (void)state;
    char reason[] = "cannot open directory";
    AUTO(free)
    char *drawn = task_picture((struct lodge_op){.state = LODGE_OP_WAITING, .reason = reason});
    assert_non_null(strstr(drawn, "waiting"));
    assert_non_null(strstr(drawn, reason));
}

static void what_has_happened_is_read_whole(void **state)
{
    (void)state;
    model_note(&ui.model, true, "web  create: %s",
               "no network: 'default' is not active, and the VM has none: start it with virsh "
               "net-start default, then make the VM again, or say that it is to have none END");
    (void)hit("4");
    expect_seen(80, 24, "to have none END");
    expect_seen(80, 24, "web create: no network");
    (void)hit("Esc");
}

static void an_operation_that_has_ended_shows_no_step_as_if_it_went_on(void **state)
{
    (void)state;
    AUTO(free)
    char *drawn = task_picture((struct lodge_op){.state = LODGE_OP_DONE, .ended_at = FLEET_NOW});
    assert_non_null(strstr(drawn, " delete "));
    assert_null(strstr(drawn, "volumes"));
    assert_null(strstr(drawn, "vm.delete"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(what_has_happened_is_read_whole),
        UI_TEST(a_screen_is_asked_for_by_its_guests_uuid),
        UI_TEST(without_a_browser_the_address_goes_to_the_clipboard),
        UI_TEST(the_browsers_file_goes_when_its_session_is_open),
        UI_TEST(a_picture_of_a_screen_has_a_view_and_can_be_taken_again),
        UI_TEST(a_picture_that_comes_late_takes_nobody_s_prompt_away),
        UI_TEST(an_answer_without_a_picture_is_said_and_changes_nothing),
        UI_TEST(somebodys_look_is_ended_by_a_yes),
        UI_TEST(what_waits_for_the_next_boot_is_seen),
        UI_TEST(being_over_a_quota_is_said_with_by_how_much),
        UI_TEST(an_operation_that_waits_shows_why),
        UI_TEST(an_operation_that_has_ended_shows_no_step_as_if_it_went_on),
    };
    return cmocka_run_group_tests_name("ui_screens", tests, NULL, NULL);
}
