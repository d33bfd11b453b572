#include "lodge/lodge.h"
#include "support/test.h"

#include "support/peer.h"

#include <stdlib.h>

static void a_call_is_answered_with_its_result(void **state)
{
    (void)state;
    static struct answer answer;

    call("vm.get", "{\"vm\":\"web\"}", 0, &answer);
    expect_heard(
        "{\"jsonrpc\":\"2.0\",\"method\":\"vm.get\",\"id\":1,\"params\":{\"vm\":\"web\"}}");
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"/x\",\"b\":[1,2.50],\"c\":null}}");

    assert_int_equal(answer.times, 1);
    assert_string_equal(answer.result, "{\"a\":\"/x\",\"b\":[1,2.50],\"c\":null}");
}

static void answers_may_come_in_any_order_and_byte_by_byte(void **state)
{
    (void)state;
    static struct answer first;
    static struct answer second;
    const char *text = "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}\r\n"
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}\n";

    call("server.ping", NULL, 0, &first);
    call("server.ping", NULL, 0, &second);
    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"server.ping\",\"id\":1}");
    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"server.ping\",\"id\":2}");
    for (const char *at = text; *at != '\0'; at++) {
        assert_int_equal(first.times, 0);
        say_bytes(at, 1);
        dispatch();
    }

    assert_string_equal(second.result, "2");
    assert_string_equal(first.result, "null");
}

static void the_daemons_error_arrives_whole(void **state)
{
    (void)state;
    static struct answer answer;

    call("vm.list", NULL, 0, &answer);
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32014,\"message\":\"h1 hangs\","
        "\"data\":{\"kind\":\"unresponsive\",\"param\":\"query\",\"column\":7,"
        "\"since\":\"2026-11-23T18:14:00.250Z\","
        "\"libvirt\":{\"code\":38,\"domain\":7,\"text\":\"no reply\"}}}}");

    assert_int_equal(answer.times, 1);
    assert_string_equal(answer.result, "");
    assert_int_equal(answer.error.kind, LODGE_ERROR_UNRESPONSIVE);
    assert_string_equal(answer.error.message, "h1 hangs");
    assert_string_equal(answer.error.param, "query");
    assert_int_equal(answer.error.column, 7);
    assert_int_equal(answer.error.since_ms, INT64_C(1795457640250));
    assert_int_equal(answer.error.libvirt.code, 38);
    assert_int_equal(answer.error.libvirt.domain, 7);
    assert_string_equal(answer.error.libvirt.text, "no reply");
}

static void an_answer_that_says_nothing_is_an_error(void **state)
{
    (void)state;
    static struct answer answers[3];

    for (int i = 0; i < 3; i++) {
        call("x.y", NULL, 0, &answers[i]);
    }
    say("{\"jsonrpc\":\"2.0\",\"id\":1}");
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":7}");
    say("{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-1,\"data\":[]}}");

    assert_string_equal(answers[0].error.message, "x.y: lodged gave neither result nor error");
    assert_string_equal(answers[1].error.message, "lodged failed and did not say why");
    assert_int_equal(answers[2].error.kind, LODGE_ERROR_INTERNAL);
}

static void past_its_deadline_a_call_times_out_and_its_answer_is_dropped(void **state)
{
    (void)state;
    static struct answer patient;
    static struct answer hasty;
    struct lodge_error err = {0};

    assert_int_equal(lodge_client_timeout_ms(client), -1);
    call("a.a", NULL, 0, &patient);
    assert_int_equal(lodge_client_timeout_ms(client), -1);
    call("b.b", NULL, 5, &hasty);
    assert_in_range(lodge_client_timeout_ms(client), 0, 5);
    while (hasty.times == 0) {
        assert_true(turn(&err));
    }

    assert_int_equal(hasty.error.kind, LODGE_ERROR_TIMEOUT);
    assert_string_equal(hasty.error.message, "b.b: no answer from lodged within 5 ms");
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}");
    assert_int_equal(hasty.times, 1);
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
    assert_int_equal(patient.times, 1);
}

static void params_that_are_no_object_are_refused_unsent(void **state)
{
    (void)state;
    static const struct {
        const char *params;
        const char *message;
    } rows[] = {
        {"[1]", "m.m: the parameters must be a JSON object"},
        {"7", "m.m: the parameters must be a JSON object"},
        {"{\"a\":1", "m.m: the parameters: not JSON: unexpected end of data at byte 7"},
        {"{\"a\":1} {\"b\":2}", NULL},
        {"{a:1}", NULL},
        {"", NULL},
        {"null", NULL},
    };
    static struct answer answer;

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct lodge_error err = {0};
        assert_int_equal(lodge_client_call(client, "m.m", rows[i].params, 0, keep, &answer, &err),
                         0);
        assert_int_equal(err.kind, LODGE_ERROR_PARAMS);
        if (rows[i].message != NULL) {
            assert_string_equal(err.message, rows[i].message);
        }
    }

    assert_int_equal(answer.times, 0);
    expect_silence();
    call("n.n", NULL, 0, &answer);
    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"n.n\",\"id\":1}");
}

static void line_breaks_in_params_stay_inside_the_line(void **state)
{
    (void)state;
    static struct answer answer;

    call("vm.get", "{\n  \"vm\": \"a\\nb\"\r\n}\n", 0, &answer);

    expect_heard("{\"jsonrpc\":\"2.0\",\"method\":\"vm.get\",\"id\":1,\"params\":{   \"vm\": "
                 "\"a\\nb\"  } }");
}

static void a_request_over_a_mebibyte_is_refused(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    char *params = malloc((1 << 20) + 1);
    assert_non_null(params);
    memset(params, ' ', 1 << 20);
    params[0] = '{';
    params[(1 << 20) - 2] = '}';
    params[1 << 20] = '\0';

    assert_int_equal(lodge_client_call(client, "m.m", params, 0, keep, NULL, &err), 0);
    assert_string_equal(err.message, "m.m: the parameters have more than 1 MiB");
    params[(1 << 20) - 1] = '\0';
    err = (struct lodge_error){0};
    assert_int_equal(lodge_client_call(client, "m.m", params, 0, keep, NULL, &err), 0);

    assert_string_equal(err.message, "m.m: the request has more than 1 MiB");
    expect_silence();
    free(params);
}

static void waiting_returns_the_result(void **state)
{
    (void)state;
    struct lodge_error err = {0};

    say_bytes("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"uid\":0}}\n", 44);
    char *result = lodge_client_call_wait(client, "server.info", "{}", PEER_DEADLINE_MS, &err);

    assert_string_equal(result, "{\"uid\":0}");
    assert_int_equal(err.kind, LODGE_ERROR_NONE);
    free(result);
}

static void waiting_returns_the_error_the_deadline_or_the_loss(void **state)
{
    (void)state;
    struct lodge_error err = {0};

    say_bytes("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,\"message\":\"none\"}}\n",
              66);
    assert_null(lodge_client_call_wait(client, "vm.get", NULL, 0, &err));
    assert_int_equal(err.kind, LODGE_ERROR_NOT_FOUND);
    assert_string_equal(err.message, "none");

    err = (struct lodge_error){0};
    assert_null(lodge_client_call_wait(client, "vm.get", NULL, 5, &err));
    assert_int_equal(err.kind, LODGE_ERROR_TIMEOUT);

    err = (struct lodge_error){0};
    peer_hang_up();
    assert_null(lodge_client_call_wait(client, "vm.get", NULL, 0, &err));
    assert_int_equal(err.kind, LODGE_ERROR_UNREACHABLE);

    err = (struct lodge_error){0};
    assert_null(lodge_client_call_wait(client, "vm.get", NULL, 0, &err));
    assert_int_equal(err.kind, LODGE_ERROR_UNREACHABLE);
}

static void call_and_wait(void *data, const char *result, const struct lodge_error *error)
{
    struct lodge_error err = {0};
    char *inner = lodge_client_call_wait(client, "in.ner", NULL, PEER_DEADLINE_MS, &err);
    assert_string_equal(inner, "\"inner\"");
    free(inner);
    keep(data, result, error);
}

static void a_callback_may_wait_for_another_call(void **state)
{
    (void)state;
    static struct answer outer;
    static struct answer between;
    struct lodge_error err = {0};

    assert_true(lodge_client_call(client, "out.er", NULL, 0, call_and_wait, &outer, &err) > 0);
    call("bet.ween", NULL, 0, &between);
    const char *answers = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"outer\"}\n"
                          "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"inner\"}\n"
                          "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"between\"}\n";
    say_bytes(answers, strlen(answers));
    dispatch();

    assert_string_equal(outer.result, "\"outer\"");
    assert_string_equal(between.result, "\"between\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEER(a_call_is_answered_with_its_result),
        WITH_PEER(answers_may_come_in_any_order_and_byte_by_byte),
        WITH_PEER(the_daemons_error_arrives_whole),
        WITH_PEER(an_answer_that_says_nothing_is_an_error),
        WITH_PEER(past_its_deadline_a_call_times_out_and_its_answer_is_dropped),
        WITH_PEER(params_that_are_no_object_are_refused_unsent),
        WITH_PEER(line_breaks_in_params_stay_inside_the_line),
        WITH_PEER(a_request_over_a_mebibyte_is_refused),
        WITH_PEER(waiting_returns_the_result),
        WITH_PEER(waiting_returns_the_error_the_deadline_or_the_loss),
        WITH_PEER(a_callback_may_wait_for_another_call),
    };
    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
