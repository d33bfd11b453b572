/* connection: lines in, answers out, and what bounds both. */
#include "support/test.h"

#include "support/owner_world.h"

#include "memory.h"

#include <stdio.h>

/* A request of so many bytes, with its newline; on the heap. */
static char *long_request(int id, size_t bytes)
{
    char *line = xmalloc(bytes + 1);
    int head =
        snprintf(line, bytes + 1,
                 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ask\",\"params\":{\"a\":\"", id);
    memset(line + head, 'x', bytes - (size_t)head);
    memcpy(line + bytes - 4, "\"}}\n", 5);
    return line;
}

static void half_a_line_waits_for_its_other_half(void **state)
{
    (void)state;

    say("{\"jsonrpc\":\"2.0\",\"id\":7,");
    expect_silence();
    say("\"method\":\"ask\"}");
    expect_silence();
    assert_int_equal(asked, 0);
    say("\r\n{\"jsonrpc\"");

    expect_heard("{\"id\":7}");
    expect_silence();
    assert_int_equal(asked, 1);
}

/* More than a connection may hold in any case: only what was handled is let go. */
static void half_a_long_line_is_kept(void **state)
{
    (void)state;
    const size_t bytes = (size_t)4 * ACCOUNT_LINE;
    AUTO(free) char *line = long_request(3, bytes);

    say_bytes(line, bytes / 2);
    expect_silence();
    say_bytes(line + bytes / 2, bytes - bytes / 2);

    expect_heard("{\"id\":3}");
    say("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ask\"}\n");
    expect_heard("{\"id\":4}");
}

static void lines_that_come_at_once_are_answered_in_their_order(void **state)
{
    (void)state;

    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\"}\n"
        "nonsense\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ask\",\"params\":{}}\n");

    expect_heard("{\"id\":1}");
    assert_non_null(strstr(hear(), "\"id\":null,\"error\":{\"code\":-32700"));
    expect_heard("{\"id\":2}");
}

static void say_requests(int count)
{
    struct buffer lines = {0};
    for (int i = 0; i < count; i++) {
        buffer_add_format(&lines, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ask\"}\n", i);
    }
    say(buffer_text(&lines));
    buffer_free(&lines);
}

/* Until a whole turn brings no more. */
static void let_it_come_to_rest(void)
{
    int before = -1;
    while (before != asked) {
        before = asked;
        loop_turn();
        loop_turn();
    }
}

static void a_client_that_does_not_read_is_not_read(void **state)
{
    (void)state;
    enum { ASKS = 200, ROOM = 2 * CONNECTION_UNSENT_MAX / BIG };
    manner = ANSWERS_BIG;

    say_requests(ASKS);
    let_it_come_to_rest();

    assert_in_range(asked, CONNECTION_UNSENT_MAX / BIG, ROOM);
    assert_true(is_watched);
    for (int i = 0; i < ASKS; i++) {
        char start[16];
        snprintf(start, sizeof start, "{\"id\":%d,", i);
        const char *line = hear();
        assert_non_null(line);
        assert_memory_equal(line, start, strlen(start));
    }
    assert_int_equal(asked, ASKS);
}

static void one_that_takes_nothing_for_30_s_is_hung_up_on(void **state)
{
    (void)state;
    const uint64_t now = 1000;
    manner = ANSWERS_BIG;
    say_requests(100);
    let_it_come_to_rest();

    assert_true(connection_check(connection, now));
    assert_true(connection_check(connection, now + CONNECTION_STALLED_MS - 1));
    assert_non_null(hear()); /* it takes something: the time begins anew */
    loop_turn();
    assert_true(connection_check(connection, now + CONNECTION_STALLED_MS));
    assert_true(connection_check(connection, now + 2 * CONNECTION_STALLED_MS - 1));
    assert_false(connection_check(connection, now + 2 * CONNECTION_STALLED_MS));

    assert_true(loop_until(is_gone));
}

static void requests_wait_while_the_owner_is_full(void **state)
{
    (void)state;
    owner_is_full = true;
    say_requests(3);
    expect_silence();
    assert_int_equal(asked, 0);

    owner_is_full = false;
    account_wake(connection_account(connection));

    expect_heard("{\"id\":0}");
    expect_heard("{\"id\":1}");
    expect_heard("{\"id\":2}");
}

static void a_peer_that_closes_in_the_middle_of_a_line_has_asked_nothing(void **state)
{
    (void)state;
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\"");

    hang_up();

    assert_true(loop_until(is_gone));
    assert_int_equal(asked, 0);
}

/* Its other half cannot come: it is owed nothing. */
static void one_that_ends_in_the_middle_of_a_line_is_hung_up_on(void **state)
{
    (void)state;
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\"");

    assert_int_equal(shutdown(client, SHUT_WR), 0);

    expect_hung_up();
    assert_int_equal(asked, 0);
}

static void one_that_closes_leaves_its_calls_orphans(void **state)
{
    (void)state;
    manner = KEEPS;
    say_requests(3);
    expect_asked(3);
    answer_kept(1);
    expect_heard("{\"id\":1}");

    hang_up();

    assert_true(loop_until(is_gone));
    assert_int_equal(orphans, 2);
}

static void one_that_only_ends_its_side_is_still_answered(void **state)
{
    (void)state;
    manner = KEEPS;
    say_requests(2);
    expect_asked(2);

    assert_int_equal(shutdown(client, SHUT_WR), 0);
    expect_silence();
    answer_kept(1);
    expect_heard("{\"id\":1}");
    expect_silence();
    answer_kept(0);

    expect_heard("{\"id\":0}");
    expect_hung_up();
    assert_int_equal(orphans, 0);
}

static void too_long_a_line_is_refused_and_the_client_hung_up_on(void **state)
{
    (void)state;
    const size_t bytes = CONNECTION_LINE_MAX + 1; /* and the newline is not said */
    AUTO(free) char *line = long_request(1, bytes + 1);

    say_bytes(line, bytes);

    assert_non_null(strstr(hear(), "a line has at most 1048576 bytes"));
    expect_hung_up();
    assert_int_equal(asked, 0);
}

static void the_longest_line_is_taken(void **state)
{
    (void)state;
    AUTO(free) char *line = long_request(5, CONNECTION_LINE_MAX + 1);

    say_bytes(line, CONNECTION_LINE_MAX + 1);

    expect_heard("{\"id\":5}");
}

static void nothing_is_handled_while_a_call_works(void **state)
{
    (void)state;
    manner = WORKS;
    steps_wanted = 3;

    say_requests(2);

    expect_heard("{\"id\":0}");
    assert_int_equal(steps, 3);
    expect_heard("{\"id\":1}");
}

static void calls_that_begin_to_work_later_work_one_after_the_other(void **state)
{
    (void)state;
    manner = KEEPS;
    steps_wanted = 3;
    say_requests(2);
    expect_asked(2);

    manner = ANSWERS;
    connection_work(connection, &kept[1].open);
    connection_work(connection, &kept[0].open);
    say_requests(1);

    expect_heard("{\"id\":1}");
    assert_int_equal(steps, 4);
    expect_heard("{\"id\":0}");
    expect_heard("{\"id\":0}"); /* of what was said behind them */
}

static void one_that_is_turned_away_hears_why_and_is_not_heard(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_TOO_MANY, "no more are let in");

    connection_refuse(connection, &err);
    say_requests(1);

    assert_non_null(strstr(hear(), "no more are let in"));
    expect_hung_up();
    assert_int_equal(asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNECTED(half_a_line_waits_for_its_other_half),
        CONNECTED(half_a_long_line_is_kept),
        CONNECTED(lines_that_come_at_once_are_answered_in_their_order),
        CONNECTED(a_client_that_does_not_read_is_not_read),
        CONNECTED(one_that_takes_nothing_for_30_s_is_hung_up_on),
        CONNECTED(requests_wait_while_the_owner_is_full),
        CONNECTED(a_peer_that_closes_in_the_middle_of_a_line_has_asked_nothing),
        CONNECTED(one_that_ends_in_the_middle_of_a_line_is_hung_up_on),
        CONNECTED(one_that_closes_leaves_its_calls_orphans),
        CONNECTED(one_that_only_ends_its_side_is_still_answered),
        CONNECTED(too_long_a_line_is_refused_and_the_client_hung_up_on),
        CONNECTED(the_longest_line_is_taken),
        CONNECTED(nothing_is_handled_while_a_call_works),
        CONNECTED(calls_that_begin_to_work_later_work_one_after_the_other),
        CONNECTED(one_that_is_turned_away_hears_why_and_is_not_heard),
    };
    return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
