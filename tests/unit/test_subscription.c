#include "lodge/lodge.h"
#include "support/test.h"

#include "support/peer.h"

#include <math.h>
#include <stdlib.h>

/* What a handler heard, one line per event. */
static char told[4000];
static size_t told_length;
static struct lodge_subscription *subscription;

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(told + told_length, sizeof told - told_length, format, args);
    va_end(args);
    assert_in_range(length, 0, sizeof told - told_length - 1);
    told_length += (size_t)length;
}

static void expect_told(const char *lines)
{
    assert_string_equal(told, lines);
    told_length = 0;
    told[0] = '\0';
}

static void listen_to(void *data, const struct lodge_event *event, const struct lodge_error *error)
{
    (void)data;
    if (error != NULL) {
        assert_null(event);
        tell("refused: %s\n", error->message);
        return;
    }
    tell("%s %s", lodge_topic_name(event->topic), lodge_event_type_name(event->type));
    if (event->vm.name != NULL) {
        tell(" %s/%s %s", event->vm.host, event->vm.name, lodge_vm_state_name(event->vm.state));
    }
    if (event->host.name != NULL) {
        tell(" %s %s", event->host.name, lodge_host_state_name(event->host.state));
    }
    if (event->topic == LODGE_TOPIC_SESSION) {
        tell(" %lld %s %s", (long long)event->session.session,
             event->session.vm == NULL ? "-" : event->session.vm,
             lodge_session_state_name(event->session.state));
    }
    for (size_t i = 0; i < event->incomplete.count; i++) {
        tell(" -%s", event->incomplete.items[i]);
    }
    tell("\n");
}

static const struct lodge_subscribe vms = {.topics = {[LODGE_TOPIC_VM] = true}};
#define ASKS_FOR_VMS(id)                                             \
    "{\"jsonrpc\":\"2.0\",\"method\":\"event.subscribe\",\"id\":" id \
    ",\"params\":{\"topics\":[\"vm\"]}}"

static int start(void **state)
{
    told_length = 0;
    told[0] = '\0';
    return peer_start(state);
}

static void subscribe(const struct lodge_subscribe *what, lodge_event_fn *handler)
{
    struct lodge_error err = {0};
    expect_told("");
    subscription = lodge_client_subscribe(client, what, handler, NULL, &err);
    assert_non_null(subscription);
}

/* Subscribed to VMs, with the daemon's number 7. */
static void subscribe_to_vms(lodge_event_fn *handler)
{
    subscribe(&vms, handler);
    expect_heard(ASKS_FOR_VMS("1"));
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"subscription\":7,\"rev\":3}}");
}

/* An event of subscription 7, its members after seq as text. */
static void say_event(int seq, const char *rest)
{
    char line[1000];
    int length =
        snprintf(line, sizeof line,
                 "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":7,"
                 "\"seq\":%d,\"rev\":3,%s}}",
                 seq, rest);
    assert_in_range(length, 0, sizeof line - 1);
    say(line);
}

static void all_of_what_is_wanted_is_asked_for(void **state)
{
    (void)state;
    static const char *const fields[] = {"state", "owner", NULL};
    struct lodge_subscribe what = {
        .topics =
            {[LODGE_TOPIC_VM] = true, [LODGE_TOPIC_HOST] = true, [LODGE_TOPIC_METRICS] = true},
        .query = "name:\"x*",
        .fields = fields,
    };

    subscribe(&what, listen_to);

    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"event.subscribe\",\"id\":1,\"params\":{"
                 "\"topics\":[\"vm\",\"host\",\"metrics\"],\"query\":\"name:\\\"x*\","
                 "\"fields\":[\"state\",\"owner\"]}}");
}

static void events_are_told_in_order_as_structs(void **state)
{
    (void)state;
    subscribe_to_vms(listen_to);

    say_event(1, "\"topic\":\"vm\",\"type\":\"added\",\"vm\":{\"uuid\":\"u\",\"name\":\"web\","
                 "\"host\":\"h1\",\"state\":\"running\",\"tags\":[\"ci\"],\"new\":{\"x\":[1]}}");
    say_event(2, "\"topic\":\"host\",\"type\":\"changed\",\"host\":{\"name\":\"h1\","
                 "\"state\":\"down\"}");
    say_event(3, "\"type\":\"ready\",\"incomplete\":[\"h1\",\"h2\"]");
    say_event(4, "\"topic\":\"vm\",\"type\":\"changed\",\"vm\":{\"uuid\":\"u\",\"name\":\"web\","
                 "\"host\":\"h1\",\"state\":\"beamed\"}");
    say_event(5, "\"topic\":\"vm\",\"type\":\"removed\",\"vm\":{\"uuid\":\"u\",\"name\":\"web\","
                 "\"host\":\"h1\"}");
    say_event(6, "\"type\":\"reset\"");

    expect_told("vm added h1/web running\n"
                "host changed h1 down\n"
                "none ready -h1 -h2\n"
                "vm changed h1/web unknown\n"
                "vm removed h1/web unknown\n"
                "none reset\n");
}

static void sessions_are_asked_for_and_told_as_structs(void **state)
{
    (void)state;
    static const struct lodge_subscribe sessions = {.topics = {[LODGE_TOPIC_SESSION] = true}};
    subscribe(&sessions, listen_to);
    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"event.subscribe\",\"id\":1,\"params\":{"
                 "\"topics\":[\"session\"]}}");
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"subscription\":7,\"rev\":3}}");

    say_event(1, "\"topic\":\"session\",\"type\":\"added\",\"session\":{\"session\":4,"
                 "\"vm\":\"web\",\"state\":\"waits\",\"mode\":\"ro\"}");
    say_event(2, "\"topic\":\"session\",\"type\":\"changed\",\"session\":{\"session\":4,"
                 "\"vm\":\"web\",\"state\":\"open\"}");
    say_event(3, "\"topic\":\"session\",\"type\":\"removed\",\"session\":{\"session\":4}");

    expect_told("session added 4 web waits\n"
                "session changed 4 web open\n"
                "session removed 4 - unknown\n");
}

static void listen_to_samples(void *data, const struct lodge_event *event,
                              const struct lodge_error *error)
{
    (void)data;
    assert_null(error);
    assert_int_equal(event->topic, LODGE_TOPIC_METRICS);
    assert_int_equal(event->type, LODGE_EVENT_SAMPLE);
    if (event->vm.uuid[0] != '\0') {
        assert_true(event->vm.stats.cpu_percent == 12.5);
        assert_int_equal(event->vm.stats.memory_used_mib, LODGE_UNKNOWN);
        assert_int_equal(event->vm.vcpus, LODGE_UNKNOWN);
        assert_null(event->host.name);
        tell("vm %s/%s %s\n", event->vm.host, event->vm.name, event->vm.uuid);
    } else {
        assert_true(event->host.stats.cpu_percent == 71);
        assert_int_equal(event->host.stats.memory_used_mib, 2048);
        assert_true(isnan(event->host.stats.psi_io));
        tell("host %s\n", event->host.name);
    }
}

static void samples_are_of_a_vm_or_of_a_host(void **state)
{
    (void)state;
    subscribe_to_vms(listen_to_samples);

    say_event(1, "\"topic\":\"metrics\",\"type\":\"sample\",\"metrics\":{\"host\":\"h1\","
                 "\"uuid\":\"u1\",\"name\":\"web\",\"stats\":{\"cpu_percent\":12.5}}");
    say_event(2, "\"topic\":\"metrics\",\"type\":\"sample\",\"metrics\":{\"host\":\"h1\","
                 "\"stats\":{\"cpu_percent\":71,\"memory_used_mib\":2048}}");

    expect_told("vm h1/web u1\nhost h1\n");
}

static void what_a_newer_daemon_says_is_passed_over_without_a_gap(void **state)
{
    (void)state;
    subscribe_to_vms(listen_to);

    say_event(1, "\"topic\":\"alert\",\"type\":\"added\",\"alert\":{\"rule\":\"hot\"}");
    say_event(2, "\"topic\":\"vm\",\"type\":\"moved\",\"vm\":{\"name\":\"x\"}");
    say_event(3, "\"topic\":\"vm\",\"type\":\"sample\",\"vm\":{\"name\":\"x\"}");
    say_event(4, "\"type\":\"ready\",\"incomplete\":[]");

    expect_told("none ready\n");
    expect_silence();
}

static void a_gap_begins_anew(void **state)
{
    (void)state;
    subscribe_to_vms(listen_to);

    say_event(1, "\"type\":\"ready\"");
    say_event(3, "\"topic\":\"host\",\"type\":\"added\",\"host\":{\"name\":\"lost\"}");
    say_event(4, "\"topic\":\"host\",\"type\":\"added\",\"host\":{\"name\":\"old\"}");
    expect_told("none ready\nnone reset\n");
    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"event.unsubscribe\",\"params\":{"
                 "\"subscription\":7}}");
    expect_heard(ASKS_FOR_VMS("2"));
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"subscription\":8,\"rev\":3}}");
    say_event(5, "\"topic\":\"host\",\"type\":\"added\",\"host\":{\"name\":\"old\"}");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":8,\"seq\":1,"
        "\"rev\":3,\"type\":\"ready\"}}");

    expect_told("none ready\n");
    expect_silence();
}

static void a_refusal_is_told_once(void **state)
{
    (void)state;
    subscribe(&vms, listen_to);

    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"no key\"}}");
    dispatch();

    expect_told("refused: no key\n");
}

static void an_answer_without_a_number_is_a_refusal(void **state)
{
    (void)state;
    subscribe(&vms, listen_to);

    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");

    expect_told("refused: lodged did not number it\n");
}

static void reconnect(void)
{
    struct lodge_error err = {0};
    assert_true(lodge_client_reconnect(client, &err));
    peer_accept();
}

static void lose(void)
{
    struct lodge_error err = {0};
    peer_hang_up();
    while (turn(&err)) {
    }
    assert_int_equal(err.kind, LODGE_ERROR_UNREACHABLE);
}

static void subscriptions_begin_anew_after_a_reconnect(void **state)
{
    (void)state;
    subscribe_to_vms(listen_to);
    say_event(1, "\"type\":\"ready\"");
    expect_told("none ready\n");

    lose();
    expect_told("");
    reconnect();

    expect_told("none reset\n");
    expect_heard(ASKS_FOR_VMS("2"));
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"subscription\":7,\"rev\":9}}");
    say_event(1, "\"type\":\"ready\"");
    expect_told("none ready\n");
}

static void a_loss_before_the_answer_is_no_refusal(void **state)
{
    (void)state;
    subscribe(&vms, listen_to);

    lose();
    expect_told("");
    reconnect();

    expect_told("none reset\n");
    expect_heard(ASKS_FOR_VMS("2"));
}

static void without_a_connection_a_subscription_waits(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    lose();
    close(listener);
    assert_false(lodge_client_reconnect(client, &err));
    assert_int_equal(err.kind, LODGE_ERROR_UNREACHABLE);

    subscribe(&vms, listen_to);
    peer_listen();
    reconnect();

    expect_heard(ASKS_FOR_VMS("1"));
    expect_told("none reset\n");
}

static void what_is_ended_is_not_heard_of_again(void **state)
{
    (void)state;
    subscribe_to_vms(listen_to);

    lodge_subscription_end(subscription);
    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"event.unsubscribe\",\"params\":{"
                 "\"subscription\":7}}");
    say_event(1, "\"type\":\"ready\"");

    expect_told("");
    lodge_subscription_end(NULL);
}

static void what_is_ended_before_its_answer_is_unsubscribed_then(void **state)
{
    (void)state;
    subscribe(&vms, listen_to);

    lodge_subscription_end(subscription);
    expect_heard(ASKS_FOR_VMS("1"));
    expect_silence();
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"subscription\":7,\"rev\":3}}");

    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"event.unsubscribe\",\"params\":{"
                 "\"subscription\":7}}");
    expect_told("");
}

static void listen_once(void *data, const struct lodge_event *event,
                        const struct lodge_error *error)
{
    listen_to(data, event, error);
    lodge_subscription_end(subscription);
}

static void a_handler_may_end_its_subscription(void **state)
{
    (void)state;
    subscribe_to_vms(listen_once);
    say_event(1, "\"topic\":\"vm\",\"type\":\"added\",\"vm\":{\"name\":\"web\",\"host\":\"h\"}");
    say_event(2, "\"type\":\"ready\"");
    expect_told("vm added h/web unknown\n");
    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"event.unsubscribe\",\"params\":{"
                 "\"subscription\":7}}");

    subscribe(&vms, listen_once);
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32010,\"message\":\"too many\"}}");
    expect_told("refused: too many\n");

    subscribe(&vms, listen_once);
    lose();
    reconnect();
    expect_told("none reset\n");
    expect_heard(ASKS_FOR_VMS("4"));
}

static void close_on_event(void *data, const struct lodge_event *event,
                           const struct lodge_error *error)
{
    listen_to(data, event, error);
    lodge_client_close(TAKE(client));
}

static void a_handler_may_close_the_client(void **state)
{
    (void)state;
    subscribe_to_vms(close_on_event);
    struct lodge_client *mine = client;
    struct lodge_error err = {0};
    const char *line = "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":7,"
                       "\"seq\":1,\"rev\":1,\"type\":\"ready\",\"incomplete\":[\"h\"]}}\n";

    say_bytes(line, strlen(line));
    assert_false(lodge_client_dispatch(mine, &err));

    assert_int_equal(err.kind, LODGE_ERROR_CANCELLED);
    expect_told("none ready -h\n");
}

struct fleet {
    int count;
    bool ready;
};

static void count_vms(void *data, const struct lodge_event *event, const struct lodge_error *error)
{
    struct fleet *fleet = data;
    char name[32];
    assert_null(error);
    assert_false(fleet->ready);
    if (event->type == LODGE_EVENT_READY) {
        fleet->ready = true;
        return;
    }
    snprintf(name, sizeof name, "vm-%d", fleet->count++);
    assert_string_equal(event->vm.name, name);
    assert_int_equal(event->vm.memory_mib, 4096);
}

static void ten_thousand_vms_arrive_each_once(void **state)
{
    (void)state;
    enum { VMS = 10000 };
    struct fleet fleet = {0};
    struct lodge_error err = {0};
    char line[800];

    assert_non_null(lodge_client_subscribe(client, &vms, count_vms, &fleet, &err));
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"subscription\":7,\"rev\":3}}");
    for (int i = 0; i < VMS; i++) {
        int length = snprintf(
            line, sizeof line,
            "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":7,\"seq\":%d,"
            "\"rev\":%d,\"topic\":\"vm\",\"type\":\"added\",\"vm\":{\"uuid\":"
            "\"00000000-0000-4000-8000-%012d\",\"name\":\"vm-%d\",\"host\":\"h1\",\"state\":"
            "\"running\",\"reason\":\"booted\",\"since\":\"2026-11-23T18:14:00.250Z\","
            "\"managed\":false,\"vcpus\":4,\"memory_mib\":4096,\"autostart\":true,\"tags\":[\"ci\"]"
            ",\"graphics\":\"vnc\",\"ips\":[],\"viewers\":0,\"unresponsive\":null,\"stale\":null,"
            "\"rev\":%d,\"stats\":{\"cpu_percent\":12.5,\"memory_used_mib\":512}}}}\n",
            i + 1, i, i, i, i);
        say_bytes(line, (size_t)length);
    }
    say_event(VMS + 1, "\"type\":\"ready\"");
    while (!fleet.ready) {
        assert_true(turn(&err));
    }

    assert_int_equal(fleet.count, VMS);
}

#define WITH_EARS(function) cmocka_unit_test_setup_teardown(function, start, peer_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_EARS(all_of_what_is_wanted_is_asked_for),
        WITH_EARS(events_are_told_in_order_as_structs),
        WITH_EARS(sessions_are_asked_for_and_told_as_structs),
        WITH_EARS(samples_are_of_a_vm_or_of_a_host),
        WITH_EARS(what_a_newer_daemon_says_is_passed_over_without_a_gap),
        WITH_EARS(a_gap_begins_anew),
        WITH_EARS(a_refusal_is_told_once),
        WITH_EARS(an_answer_without_a_number_is_a_refusal),
        WITH_EARS(subscriptions_begin_anew_after_a_reconnect),
        WITH_EARS(a_loss_before_the_answer_is_no_refusal),
        WITH_EARS(without_a_connection_a_subscription_waits),
        WITH_EARS(what_is_ended_is_not_heard_of_again),
        WITH_EARS(what_is_ended_before_its_answer_is_unsubscribed_then),
        WITH_EARS(a_handler_may_end_its_subscription),
        WITH_EARS(a_handler_may_close_the_client),
        WITH_EARS(ten_thousand_vms_arrive_each_once),
    };
    return cmocka_run_group_tests_name("subscription", tests, NULL, NULL);
}
