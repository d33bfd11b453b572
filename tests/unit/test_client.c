#include "lodge/lodge.h"
#include "support/test.h"

#include "support/peer.h"

static void a_full_socket_sends_the_rest_later(void **state)
{
    (void)state;
    enum { CALLS = 40, SIZE = 64 << 10 };
    static struct answer answer;
    char params[SIZE];
    memset(params, ' ', SIZE);
    params[0] = '{';
    params[SIZE - 2] = '}';
    params[SIZE - 1] = '\0';

    assert_int_equal(lodge_client_events(client), POLLIN);
    for (int i = 0; i < CALLS; i++) {
        call("m.m", params, 0, &answer);
    }

    assert_int_equal(lodge_client_events(client), POLLIN | POLLOUT);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(strlen(hear()), strlen("{\"jsonrpc\":\"2.0\",\"method\":\"m.m\",\"id\":,"
                                                "\"params\":}") +
                                             SIZE - 1 + (i < 9 ? 1 : 2));
    }
    assert_int_equal(lodge_client_events(client), POLLIN);
}

static void expect_lost(struct answer *answer, const char *what)
{
    struct lodge_error err = {0};
    char message[200];
    snprintf(message, sizeof message, "lodged at '%s' %s", path, what);

    while (turn(&err)) {
    }

    assert_string_equal(err.message, message);
    assert_int_equal(err.kind, LODGE_ERROR_UNREACHABLE);
    assert_int_equal(answer->times, 1);
    assert_string_equal(answer->error.message, message);
    assert_int_equal(answer->error.kind, LODGE_ERROR_UNREACHABLE);
    assert_int_equal(lodge_client_fd(client), -1);
}

static void a_hang_up_fails_what_is_open_and_every_later_call(void **state)
{
    (void)state;
    static struct answer answer;
    struct lodge_error err = {0};
    char message[200];

    call("a.b", NULL, 1000000, &answer);
    peer_hang_up();
    expect_lost(&answer, "hung up");

    snprintf(message, sizeof message, "a.b: not connected to lodged at '%s'", path);
    assert_int_equal(lodge_client_call(client, "a.b", NULL, 0, keep, &answer, &err), 0);
    assert_string_equal(err.message, message);
    assert_int_equal(err.kind, LODGE_ERROR_UNREACHABLE);
    err = (struct lodge_error){0};
    assert_false(lodge_client_dispatch(client, &err));
    assert_int_equal(err.kind, LODGE_ERROR_UNREACHABLE);
    assert_int_equal(lodge_client_timeout_ms(client), -1);
}

static void what_the_daemon_said_last_is_heard(void **state)
{
    (void)state;
    static struct answer answered;
    static struct answer open;

    call("a.a", NULL, 0, &answered);
    call("b.b", NULL, 0, &open);
    say_bytes("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}\n", 39);
    const char *farewell = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32010,"
                           "\"message\":\"512 connections are open\"}}\n";
    say_bytes(farewell, strlen(farewell));
    peer_hang_up();

    expect_lost(&open, "hung up: 512 connections are open");
    assert_string_equal(answered.result, "true");
}

static void what_is_not_the_protocol_ends_the_connection(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *what;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\n", NULL},
        {"[1,2]\n", "does not speak lodge's protocol: its message is no object"},
        {"\n", NULL},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":\"x\"}}\n",
         "sent an event that breaks the contract: 'seq' must be an integer"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        static struct answer answer;
        struct lodge_error err = {0};
        answer = (struct answer){0};
        call("a.b", NULL, 0, &answer);
        say_bytes(rows[i].line, strlen(rows[i].line));
        if (rows[i].what != NULL) {
            expect_lost(&answer, rows[i].what);
        } else {
            assert_false(turn(&err));
            assert_non_null(strstr(err.message, "does not speak lodge's protocol: not JSON"));
        }
        peer_hang_up();
        err = (struct lodge_error){0};
        assert_true(lodge_client_reconnect(client, &err));
        peer_accept();
    }
}

static void what_nobody_asked_for_is_passed_over(void **state)
{
    (void)state;
    static struct answer answer;

    call("a.b", NULL, 0, &answer);
    say("{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":1}");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"x.news\",\"params\":{}}");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"event\"}");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":5,\"seq\":1,"
        "\"topic\":\"vm\",\"type\":\"added\",\"vm\":{}}}");
    say("{\"later\":true}");
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");

    assert_string_equal(answer.result, "1");
}

static void a_line_over_64_mib_ends_the_connection(void **state)
{
    (void)state;
    static char chunk[1 << 20];
    struct lodge_error err = {0};
    memset(chunk, 'x', sizeof chunk);

    for (int i = 0; i < 64; i++) {
        say_bytes(chunk, sizeof chunk);
    }
    dispatch();
    say_bytes("x", 1);

    while (turn(&err)) {
    }
    assert_non_null(strstr(err.message, "sent a line over 64 MiB"));
}

static void closing_cancels_what_is_open(void **state)
{
    (void)state;
    static struct answer answers[2];

    call("a.a", NULL, 0, &answers[0]);
    call("b.b", NULL, 100000, &answers[1]);
    lodge_client_close(TAKE(client));

    for (int i = 0; i < 2; i++) {
        assert_int_equal(answers[i].times, 1);
        assert_int_equal(answers[i].error.kind, LODGE_ERROR_CANCELLED);
    }
}

static void close_client(void *data, const char *result, const struct lodge_error *error)
{
    keep(data, result, error);
    lodge_client_close(TAKE(client));
}

static void a_callback_may_close_the_client(void **state)
{
    (void)state;
    static struct answer closing;
    static struct answer open;
    struct lodge_error err = {0};
    struct lodge_client *mine = client;

    assert_true(lodge_client_call(client, "a.a", NULL, 0, close_client, &closing, &err) > 0);
    call("b.b", NULL, 0, &open);
    const char *answers = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n"
                          "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}\n";
    say_bytes(answers, strlen(answers));

    assert_false(lodge_client_dispatch(mine, &err));
    assert_int_equal(err.kind, LODGE_ERROR_CANCELLED);
    assert_string_equal(closing.result, "1");
    assert_int_equal(open.times, 1);
    assert_int_equal(open.error.kind, LODGE_ERROR_CANCELLED);
}

static void a_lost_connections_callback_may_close_the_client(void **state)
{
    (void)state;
    static struct answer closing;
    static struct answer open;
    struct lodge_error err = {0};
    struct lodge_client *mine = client;

    assert_true(lodge_client_call(client, "a.a", NULL, 0, close_client, &closing, &err) > 0);
    call("b.b", NULL, 0, &open);
    peer_hang_up();

    assert_false(lodge_client_dispatch(mine, &err));
    assert_int_equal(err.kind, LODGE_ERROR_CANCELLED);
    assert_int_equal(closing.error.kind, LODGE_ERROR_UNREACHABLE);
    assert_int_equal(open.times, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEER(a_full_socket_sends_the_rest_later),
        WITH_PEER(a_hang_up_fails_what_is_open_and_every_later_call),
        WITH_PEER(what_the_daemon_said_last_is_heard),
        WITH_PEER(what_is_not_the_protocol_ends_the_connection),
        WITH_PEER(what_nobody_asked_for_is_passed_over),
        WITH_PEER(a_line_over_64_mib_ends_the_connection),
        WITH_PEER(closing_cancels_what_is_open),
        WITH_PEER(a_callback_may_close_the_client),
        WITH_PEER(a_lost_connections_callback_may_close_the_client),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
