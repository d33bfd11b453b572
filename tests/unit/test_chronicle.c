/* Of a subscription's events each thing is said once, in words, with who did it and how long that
 * took; what was missed is said after a reset, and nothing twice. */
#include "support/test.h"

#include "cli/chronicle.h"
#include "contract/contract.h"

#include <stdio.h>
#include <string.h>

static struct chronicle *chronicle;
static char said[4096]; /* lines */

static void take_line(void *data, const char *line)
{
    (void)data;
    size_t used = strlen(said);
    int written = snprintf(said + used, sizeof said - used, "%s\n", line);
    assert_in_range(written, 1, sizeof said - used - 1);
}

static int end(void **state)
{
    (void)state;
    chronicle_free(chronicle);
    chronicle = NULL;
    return 0;
}

static void hear(enum lodge_topic topic, enum lodge_event_type type, const char *json)
{
    struct lodge_event event = {.topic = topic, .type = type};
    struct lodge_error err = {0};
    lodge_vm_init(&event.vm);
    lodge_host_init(&event.host);
    fields_init(lodge_op_fields, &event.op);
    fields_init(lodge_session_fields, &event.session);
    const struct field *tables[LODGE_TOPICS] = {
        [LODGE_TOPIC_VM] = lodge_vm_fields,
        [LODGE_TOPIC_HOST] = lodge_host_fields,
        [LODGE_TOPIC_OP] = lodge_op_fields,
        [LODGE_TOPIC_SESSION] = lodge_session_fields,
    };
    void *objects[LODGE_TOPICS] = {
        [LODGE_TOPIC_VM] = &event.vm,
        [LODGE_TOPIC_HOST] = &event.host,
        [LODGE_TOPIC_OP] = &event.op,
        [LODGE_TOPIC_SESSION] = &event.session,
    };
    if (json != NULL) {
        assert_true(fields_read_text(json, tables[topic], objects[topic], &err));
    }
    chronicle_hear(chronicle, &event, 100000);
    if (json != NULL) {
        fields_clear(tables[topic], objects[topic]);
    }
}

#define UUID "00000000-0000-4000-8000-00000000000"
#define VM(number, name, rest) \
    "{\"host\":\"a\",\"uuid\":\"" UUID number "\",\"name\":\"" name "\"" rest "}"
#define OP(id, kind, rest)                                                 \
    "{\"id\":" id ",\"kind\":\"" kind "\",\"host\":\"a\",\"uuid\":\"" UUID \
    "1\",\"vm\":\"web\",\"user\":\"root\",\"started_at\":\"2026-01-01T00:00:00.000Z\"," rest "}"
#define GOES_ON "\"state\":\"running\""
#define DONE "\"state\":\"done\",\"ended_at\":\"2026-01-01T00:00:00.840Z\""
#define FACTS ",\"vcpus\":1,\"memory_mib\":512"

static void hear_vm(enum lodge_event_type type, const char *json)
{
    hear(LODGE_TOPIC_VM, type, json);
}

static void hear_op(enum lodge_event_type type, const char *json)
{
    hear(LODGE_TOPIC_OP, type, json);
}

static void hear_session(enum lodge_event_type type, const char *json)
{
    hear(LODGE_TOPIC_SESSION, type, json);
}

static void expect(const char *lines)
{
    chronicle_settle(chronicle);
    assert_string_equal(said, lines);
    said[0] = '\0';
}

static void begin(const char *query)
{
    said[0] = '\0';
    chronicle = chronicle_new(query, take_line, NULL);
    hear(LODGE_TOPIC_HOST, LODGE_EVENT_ADDED,
         "{\"name\":\"a\",\"state\":\"up\",\"synced_at\":\"2026-01-01T00:00:00.000Z\"}");
}

/* One host, and web, which runs. */
static void begin_with_web(void)
{
    begin(NULL);
    hear_vm(LODGE_EVENT_ADDED, VM("1", "web", ",\"state\":\"running\"" FACTS));
    hear(LODGE_TOPIC_NONE, LODGE_EVENT_READY, NULL);
    expect("watching 1 VM: 1 running; host a: up\n");
}

static void what_is_there_is_one_line(void **state)
{
    (void)state;
    begin(NULL);
    hear(LODGE_TOPIC_HOST, LODGE_EVENT_ADDED, "{\"name\":\"b\",\"state\":\"down\"}");
    hear_vm(LODGE_EVENT_ADDED, VM("1", "web", ",\"state\":\"running\""));
    hear_vm(LODGE_EVENT_ADDED, VM("2", "db", ",\"state\":\"shutoff\""));
    hear_op(LODGE_EVENT_ADDED, OP("1", "vm.start", DONE));
    hear_op(LODGE_EVENT_ADDED, OP("2", "vm.shutdown", GOES_ON));
    hear_session(LODGE_EVENT_ADDED, "{\"session\":4,\"state\":\"open\",\"vm\":\"web\"}");
    hear(LODGE_TOPIC_NONE, LODGE_EVENT_READY, NULL);
    expect("watching 2 VMs: 1 running, 1 shutoff; 2 hosts, not up: b (down); 1 operation under "
           "way; 1 screen open\n");
}

static void a_change_that_nobody_asked_lodge_for_is_said_with_its_reason(void **state)
{
    (void)state;
    begin_with_web();
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web", ",\"state\":\"shutoff\",\"reason\":\"destroyed\"" FACTS));
    expect("web  state running -> shutoff (destroyed)\n");
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web",
               ",\"state\":\"shutoff\",\"reason\":\"destroyed\",\"vcpus\":2,\"memory_mib\":1024,"
               "\"tags\":[\"x\"],\"viewers\":3"));
    expect("web  vCPUs 1 -> 2, memory 512 MiB -> 1024 MiB, tags none -> x\n");
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web",
               ",\"state\":\"shutoff\",\"reason\":\"destroyed\",\"vcpus\":2,\"memory_mib\":1024,"
               "\"tags\":[\"x\"],\"viewers\":0,\"op\":9"));
    expect("");
    hear_vm(LODGE_EVENT_ADDED, VM("2", "db", ",\"state\":\"shutoff\"" FACTS));
    expect("db  is new: shutoff, 1 vCPU, 512 MiB\n");
    hear_vm(LODGE_EVENT_REMOVED, VM("2", "db", ""));
    expect("db  is gone\n");
}

static void what_an_operation_did_stands_in_its_own_line_once(void **state)
{
    (void)state;
    begin_with_web();
    hear_op(LODGE_EVENT_ADDED, OP("7", "vm.stop", GOES_ON));
    expect("web  stop begun by root\n");
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web", ",\"state\":\"shutoff\",\"reason\":\"destroyed\"" FACTS));
    expect("");
    hear_op(LODGE_EVENT_CHANGED, OP("7", "vm.stop", "\"step\":\"b\"," GOES_ON));
    expect("");
    hear_op(LODGE_EVENT_CHANGED, OP("7", "vm.stop", DONE));
    expect("web  stop: state running -> shutoff (by root, 0.8 s)\n");
    hear_op(LODGE_EVENT_CHANGED, OP("7", "vm.stop", DONE));
    hear_op(LODGE_EVENT_REMOVED, "{\"id\":7}");
    expect("");
}

static void one_that_was_under_way_before_says_what_it_did(void **state)
{
    (void)state;
    begin(NULL);
    hear_vm(LODGE_EVENT_ADDED, VM("1", "web", ",\"state\":\"creating\"" FACTS));
    hear_op(LODGE_EVENT_ADDED, OP("7", "vm.create", GOES_ON));
    hear(LODGE_TOPIC_NONE, LODGE_EVENT_READY, NULL);
    expect("watching 1 VM: 1 creating; host a: up; 1 operation under way\n");
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web", ",\"state\":\"running\",\"reason\":\"booted\"" FACTS));
    hear_op(LODGE_EVENT_CHANGED, OP("7", "vm.create", DONE));
    expect("web  create: state creating -> running (by root, 0.8 s)\n");
}

static void what_came_together_with_its_operation_is_its_too(void **state)
{
    (void)state;
    begin_with_web();
    hear_vm(LODGE_EVENT_CHANGED, VM("1", "web", ",\"state\":\"paused\"" FACTS));
    hear_op(LODGE_EVENT_ADDED, OP("7", "vm.pause", DONE));
    expect("web  pause: state running -> paused (by root, 0.8 s)\n");
}

static void what_an_operation_is_not_for_is_not_laid_at_its_door(void **state)
{
    (void)state;
    begin_with_web();
    hear_op(LODGE_EVENT_ADDED, OP("7", "vm.update", GOES_ON));
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web", ",\"state\":\"crashed\",\"vcpus\":2,\"memory_mib\":512"));
    hear_op(LODGE_EVENT_CHANGED, OP("7", "vm.update", DONE));
    expect("web  set begun by root\n"
           "web  set: vCPUs 1 -> 2 (by root, 0.8 s)\n"
           "web  state running -> crashed\n");
    hear_op(LODGE_EVENT_ADDED, OP("8", "vm.start", GOES_ON));
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web", ",\"state\":\"paused\",\"vcpus\":2,\"memory_mib\":512"));
    hear_op(LODGE_EVENT_CHANGED, OP("8", "vm.start", DONE));
    expect("web  start begun by root\n"
           "web  start done (by root, 0.8 s)\n"
           "web  state crashed -> paused\n");
}

static void one_that_failed_says_why(void **state)
{
    (void)state;
    begin_with_web();
    hear_op(LODGE_EVENT_ADDED, OP("7", "vm.shutdown", GOES_ON));
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web",
               ",\"state\":\"running\",\"unresponsive\":\"2026-01-01T00:00:00.000Z\"" FACTS));
    expect("web  shutdown begun by root\nweb  its QEMU does not answer\n");
    hear_op(LODGE_EVENT_CHANGED,
            OP("7", "vm.shutdown",
               "\"state\":\"failed\",\"ended_at\":\"2026-01-01T00:01:30.000Z\",\"error\":{"
               "\"message\":\"'web' did not answer vm.shutdown\"}"));
    expect("web  shutdown failed (by root, 90.0 s): 'web' did not answer shutdown\n");
    hear_op(LODGE_EVENT_ADDED, OP("8", "vm.delete", GOES_ON));
    hear_vm(LODGE_EVENT_REMOVED, VM("1", "web", ""));
    hear_op(LODGE_EVENT_CHANGED, OP("8", "vm.delete", DONE ",\"notes\":[\"kept a file\"]"));
    expect("web  rm begun by root\n"
           "web  rm: is gone (by root, 0.8 s)\n"
           "web  rm: kept a file\n");
}

static void a_screen_is_opened_and_closed_with_the_reason(void **state)
{
    (void)state;
    begin_with_web();
#define SESSION(rest) \
    "{\"session\":4,\"vm\":\"web\",\"host\":\"a\",\"user\":\"anna\",\"peer\":\"::1:9\"," rest "}"
    hear_session(LODGE_EVENT_ADDED, SESSION("\"state\":\"waits\""));
    expect("");
    hear_session(LODGE_EVENT_CHANGED, SESSION("\"state\":\"open\",\"mode\":\"ro\""));
    hear_session(LODGE_EVENT_CHANGED, SESSION("\"state\":\"away\",\"bytes\":9"));
    hear_session(LODGE_EVENT_CHANGED, SESSION("\"state\":\"open\",\"bytes\":99,\"started_at\":"
                                              "\"1970-01-01T00:00:50.000Z\""));
    expect("web  screen opened by anna from ::1:9, who only looks (session 4)\n");
    hear_session(LODGE_EVENT_REMOVED, "{\"session\":4,\"reason\":\"root closed it\"}");
    expect("web  screen of anna closed (session 4, 50s): root closed it\n");
    hear_session(LODGE_EVENT_ADDED, SESSION("\"state\":\"waits\""));
    hear_session(LODGE_EVENT_REMOVED, "{\"session\":4,\"reason\":\"its ticket was not used\"}");
    expect("");
}

static void after_a_reset_what_was_missed_is_said_and_nothing_twice(void **state)
{
    (void)state;
    begin_with_web();
    hear_vm(LODGE_EVENT_ADDED, VM("2", "db", ",\"state\":\"running\""));
    hear_op(LODGE_EVENT_ADDED, OP("6", "vm.nmi", DONE));
    hear_session(LODGE_EVENT_ADDED, SESSION("\"state\":\"open\""));
    said[0] = '\0';
    chronicle_settle(chronicle);
    said[0] = '\0';

    hear(LODGE_TOPIC_NONE, LODGE_EVENT_RESET, NULL);
    expect("events were missed: what is different since follows\n");
    hear(LODGE_TOPIC_HOST, LODGE_EVENT_ADDED,
         "{\"name\":\"a\",\"state\":\"up\",\"synced_at\":\"2026-01-01T00:00:00.000Z\"}");
    hear_vm(LODGE_EVENT_ADDED, VM("1", "web", ",\"state\":\"shutoff\"" FACTS));
    expect("");
    hear_op(LODGE_EVENT_ADDED, OP("6", "vm.nmi", DONE));
    hear_op(LODGE_EVENT_ADDED, OP("7", "vm.stop", DONE));
    hear(LODGE_TOPIC_NONE, LODGE_EVENT_READY, NULL);
    expect("web  stop: state running -> shutoff (by root, 0.8 s)\n"
           "db  is gone\n"
           "web  screen of anna closed (session 4, -): it is not told why\n");

    hear(LODGE_TOPIC_NONE, LODGE_EVENT_RESET, NULL);
    hear(LODGE_TOPIC_HOST, LODGE_EVENT_ADDED,
         "{\"name\":\"a\",\"state\":\"up\",\"synced_at\":\"2026-01-01T00:00:00.000Z\"}");
    hear_vm(LODGE_EVENT_ADDED, VM("1", "web", ",\"state\":\"shutoff\"" FACTS));
    hear(LODGE_TOPIC_NONE, LODGE_EVENT_READY, NULL);
    expect("events were missed: what is different since follows\nnothing is different\n");
}

static void with_a_query_only_what_matches_is_told(void **state)
{
    (void)state;
    begin("state:running");
    hear_vm(LODGE_EVENT_ADDED, VM("1", "web", ",\"state\":\"running\"" FACTS));
    hear(LODGE_TOPIC_NONE, LODGE_EVENT_READY, NULL);
    expect("watching 1 VM that matches state:running: 1 running; host a: up\n");
    hear_op(LODGE_EVENT_ADDED,
            "{\"id\":5,\"kind\":\"vm.nmi\",\"host\":\"a\",\"uuid\":\"" UUID "2\",\"vm\":\"db\"}");
    hear_vm(LODGE_EVENT_ADDED, VM("3", "mail", ",\"state\":\"running\"" FACTS));
    expect("mail  matches now: running, 1 vCPU, 512 MiB\n");
    hear_op(LODGE_EVENT_ADDED, OP("7", "vm.stop", GOES_ON));
    hear_vm(LODGE_EVENT_REMOVED, VM("1", "web", ""));
    hear_op(LODGE_EVENT_CHANGED, OP("7", "vm.stop", DONE));
    expect("web  stop begun by root\nweb  stop: no longer matches (by root, 0.8 s)\n");
}

static void a_host_is_told_by_itself_and_not_by_each_of_its_VMs(void **state)
{
    (void)state;
    begin_with_web();
    hear(LODGE_TOPIC_HOST, LODGE_EVENT_CHANGED,
         "{\"name\":\"a\",\"state\":\"down\",\"error\":\"it hung up\"}");
    hear_vm(LODGE_EVENT_CHANGED,
            VM("1", "web", ",\"state\":\"running\",\"stale\":\"2026-01-01T00:00:00.000Z\"" FACTS));
    expect("host a  up -> down: it hung up\n");
    hear(LODGE_TOPIC_HOST, LODGE_EVENT_ADDED, "{\"name\":\"b\",\"state\":\"connecting\"}");
    expect("host b  is new: connecting\n");
    hear_vm(LODGE_EVENT_ADDED, "{\"host\":\"b\",\"uuid\":\"" UUID "5\",\"name\":\"x\"}");
    expect("");
    hear(LODGE_TOPIC_HOST, LODGE_EVENT_CHANGED,
         "{\"name\":\"b\",\"state\":\"up\",\"synced_at\":\"2026-01-01T00:00:00.000Z\"}");
    expect("host b  connecting -> up, its VMs have been read: 1\n");
}

#define CHRONICLE(function) cmocka_unit_test_setup_teardown(function, NULL, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHRONICLE(what_is_there_is_one_line),
        CHRONICLE(a_change_that_nobody_asked_lodge_for_is_said_with_its_reason),
        CHRONICLE(what_an_operation_did_stands_in_its_own_line_once),
        CHRONICLE(one_that_was_under_way_before_says_what_it_did),
        CHRONICLE(what_came_together_with_its_operation_is_its_too),
        CHRONICLE(what_an_operation_is_not_for_is_not_laid_at_its_door),
        CHRONICLE(one_that_failed_says_why),
        CHRONICLE(a_screen_is_opened_and_closed_with_the_reason),
        CHRONICLE(after_a_reset_what_was_missed_is_said_and_nothing_twice),
        CHRONICLE(with_a_query_only_what_matches_is_told),
        CHRONICLE(a_host_is_told_by_itself_and_not_by_each_of_its_VMs),
    };
    return cmocka_run_group_tests_name("chronicle", tests, NULL, NULL);
}
