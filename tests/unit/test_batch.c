/* batch: its entries are handled one after the other, and answered in one line. */
#include "support/test.h"

#include "support/owner_world.h"

static void add_entries(struct buffer *batch, int count)
{
    for (int i = 0; i < count; i++) {
        buffer_add_format(batch, "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ask\"}",
                          i == 0 ? "[" : ",", i);
    }
    buffer_add_text(batch, "]\n");
}

static void a_batch_of_64_is_one_line_in_their_order(void **state)
{
    (void)state;
    struct buffer batch = {0};
    struct buffer answer = {0};
    add_entries(&batch, JSONRPC_BATCH);
    for (int i = 0; i < JSONRPC_BATCH; i++) {
        buffer_add_format(&answer, "%s{\"id\":%d}", i == 0 ? "[" : ",", i);
    }
    buffer_add_char(&answer, ']');

    say(buffer_text(&batch));

    expect_heard(buffer_text(&answer));
    assert_int_equal(asked, JSONRPC_BATCH);
    buffer_free(&batch);
    buffer_free(&answer);
}

static void a_batch_of_65_is_refused_whole(void **state)
{
    (void)state;
    struct buffer batch = {0};
    add_entries(&batch, JSONRPC_BATCH + 1);

    say(buffer_text(&batch));

    assert_non_null(strstr(hear(), "\"id\":null,\"error\":{\"code\":-32600"));
    assert_int_equal(asked, 0);
    buffer_free(&batch);
}

static void an_entry_of_a_batch_waits_for_the_answer_of_the_one_before(void **state)
{
    (void)state;
    struct buffer batch = {0};
    manner = KEEPS;
    add_entries(&batch, 3);

    say(buffer_text(&batch));

    for (int i = 0; i < 3; i++) {
        expect_asked(i + 1);
        answer_kept(i);
    }
    expect_heard("[{\"id\":0},{\"id\":1},{\"id\":2}]");
    buffer_free(&batch);
}

static void what_is_answered_while_a_batch_is_open_comes_behind_it(void **state)
{
    (void)state;
    manner = KEEPS;
    say("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ask\"}\n");
    expect_asked(1);
    say("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\"},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ask\"}]\n");
    expect_asked(2);
    answer_kept(1);
    expect_asked(3);

    answer_kept(0);
    answer_kept(2);

    expect_heard("[{\"id\":1},{\"id\":2}]");
    expect_heard("{\"id\":9}");
}

static void a_batch_of_nothing_but_notifications_has_no_answer(void **state)
{
    (void)state;
    manner = KEEPS;
    say("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\"}]\n");
    expect_asked(1);

    connection_drop_call(connection, &kept[0].open);
    connection_answer(connection, &kept[0].open, &(struct buffer){0});

    expect_silence();
    manner = ANSWERS;
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ask\"}\n");
    expect_heard("{\"id\":2}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNECTED(a_batch_of_64_is_one_line_in_their_order),
        CONNECTED(a_batch_of_65_is_refused_whole),
        CONNECTED(an_entry_of_a_batch_waits_for_the_answer_of_the_one_before),
        CONNECTED(what_is_answered_while_a_batch_is_open_comes_behind_it),
        CONNECTED(a_batch_of_nothing_but_notifications_has_no_answer),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
