#include "input/commands.h"
#include "outcome.h"
#include "support/test.h"

static void expect_said(const char *result, const struct lodge_error *error, const char *wanted)
{
    char text[OUTCOME_TEXT];
    outcome_say(&tui_commands, "delete web", 0.34, result, error, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void what_is_done_is_said_with_its_time(void **state)
{
    (void)state;
    expect_said("{\"op\":1}", NULL, "delete web: done in 0.3 s");
    expect_said("{\"op\":1,\"kept\":[]}", NULL, "delete web: done in 0.3 s");
    expect_said(NULL, NULL, "delete web: done in 0.3 s");
    expect_said("[", NULL, "delete web: done in 0.3 s");
    expect_said("{\"kept\":3}", NULL, "delete web: done in 0.3 s");
}

static void what_was_kept_is_said_and_why(void **state)
{
    (void)state;
    expect_said("{\"kept\":[{\"path\":\"/p/a\",\"why\":\"VM 'b' uses it\"}]}", NULL,
                "delete web: done in 0.3 s; kept /p/a: VM 'b' uses it");
    expect_said("{\"kept\":[{\"path\":\"/p/a\",\"why\":\"x\"},{},{}]}", NULL,
                "delete web: done in 0.3 s; kept /p/a: x (and 2 more)");
    expect_said("{\"kept\":[{}]}", NULL, "delete web: done in 0.3 s; kept ?: ?");
    expect_said("{\"kept\":[{\"path\":\"/a\\u001b[2J\",\"why\":\"x\"}]}", NULL,
                "delete web: done in 0.3 s; kept /a\\x1b[2J: x");
}

static void what_had_to_go_is_said(void **state)
{
    (void)state;
    expect_said("{\"pending\":[],\"dropped\":[]}", NULL, "delete web: done in 0.3 s");
    expect_said("{\"dropped\":3}", NULL, "delete web: done in 0.3 s");
    expect_said("{\"dropped\":[null]}", NULL, "delete web: done in 0.3 s");
    expect_said("{\"dropped\":[\"the topology\"]}", NULL,
                "delete web: done in 0.3 s; it no longer has the topology");
    expect_said("{\"dropped\":[\"a\\u001b[2J\",\"b\"]}", NULL,
                "delete web: done in 0.3 s; it no longer has a\\x1b[2J (and 1 more)");
}

static void what_should_be_known_is_said(void **state)
{
    (void)state;
    expect_said("{\"op\":1,\"notes\":[\"no network: \\u001b[2J\",\"more\"]}", NULL,
                "delete web: done in 0.3 s; no network: \\x1b[2J");
    expect_said("{\"notes\":[\"it runs (vm.stop); host.list; `network: null`, vm.adopt\"]}", NULL,
                "delete web: done in 0.3 s; it runs (key D); key 2; network none, lodge adopt");
    expect_said("{\"notes\":[]}", NULL, "delete web: done in 0.3 s");
    expect_said("{\"notes\":7}", NULL, "delete web: done in 0.3 s");
    expect_said("{\"kept\":[{\"path\":\"/p/a\",\"why\":\"x\"}],\"notes\":[\"may be left: /p/a\"]}",
                NULL, "delete web: done in 0.3 s; kept /p/a: x");
}

static void what_failed_is_said_as_it_was(void **state)
{
    (void)state;
    struct lodge_error error = {0};
    lodge_fail(&error, LODGE_ERROR_BUSY, "it is busy");
    expect_said(NULL, &error, "delete web: it is busy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_done_is_said_with_its_time),
        TEST(what_was_kept_is_said_and_why),
        TEST(what_had_to_go_is_said),
        TEST(what_should_be_known_is_said),
        TEST(what_failed_is_said_as_it_was),
    };
    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
