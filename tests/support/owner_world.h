/*
 * owner_world: the connection of connection_world with an owner that only writes down what it is
 * asked, and answers when it is told to. Included by one program each, after support/test.h.
 */
#ifndef TESTS_SUPPORT_OWNER_WORLD_H
#define TESTS_SUPPORT_OWNER_WORLD_H

#include "support/connection_world.h"

#include <json-c/json.h>

#define OWNER __attribute__((unused)) static

enum { CALLS = 256, BIG = 64 * 1024 };

/* What the owner does with a request. */
enum manner { ANSWERS, ANSWERS_BIG, KEEPS, WORKS };

struct kept_call {
    struct connection_call open; /* first */
    int id;
};

static enum manner manner;
static struct kept_call kept[CALLS]; /* by the order in which they came */
static int asked;
static int orphans;
static int steps;
static int steps_wanted;
static bool is_watched;
static bool owner_is_full;

/* Lasts until the next. */
OWNER const struct buffer *envelope_of(int id, size_t size)
{
    static struct buffer envelope;
    buffer_clear(&envelope);
    buffer_add_format(&envelope, "{\"id\":%d", id);
    if (size > 0) {
        buffer_add_text(&envelope, ",\"text\":\"");
        while (envelope.length < size) {
            buffer_add_text(&envelope, "0123456789abcdef");
        }
        buffer_add_char(&envelope, '"');
    }
    buffer_add_char(&envelope, '}');
    return &envelope;
}

OWNER void answer_kept(int which)
{
    struct kept_call *call = &kept[which];
    connection_drop_call(connection, &call->open);
    connection_answer(connection, &call->open, envelope_of(call->id, 0));
}

OWNER void count_orphan(struct connection_call *open)
{
    assert_true((struct kept_call *)open >= kept && (struct kept_call *)open < kept + CALLS);
    orphans++;
}

OWNER bool count_step(struct connection_call *open)
{
    if (++steps < steps_wanted) {
        return false;
    }
    answer_kept((int)((struct kept_call *)open - kept));
    return true;
}

OWNER void take_request(struct connection *from, int id, bool in_batch)
{
    assert_ptr_equal(from, connection);
    assert_true(asked < CALLS);
    struct kept_call *call = &kept[asked++];
    *call =
        (struct kept_call){{.in_batch = in_batch, .orphan = count_orphan, .go_on = count_step}, id};
    if (manner == KEEPS || manner == WORKS) {
        connection_add_call(from, &call->open);
    } else {
        connection_answer(from, &call->open, envelope_of(id, manner == ANSWERS_BIG ? BIG : 0));
    }
    if (manner == WORKS) {
        connection_work(from, &call->open);
        manner = ANSWERS;
    }
}

OWNER void write_down(struct connection_owner *mine, struct connection *from,
                      struct json_object *json, size_t bytes, bool in_batch)
{
    assert_ptr_equal(mine, &its_owner);
    assert_true(bytes > 0);
    struct json_object *id = NULL;
    assert_true(json_object_object_get_ex(json, "id", &id));
    take_request(from, json_object_get_int(id), in_batch);
}

OWNER void write_down_plain(struct connection_owner *mine, struct connection *from,
                            const struct jsonrpc_plain *plain)
{
    assert_ptr_equal(mine, &its_owner);
    assert_string_equal(plain->method, "ask");
    take_request(from, (int)strtol(plain->id, NULL, 10), false);
}

OWNER bool says_full(const struct connection_owner *mine, uid_t uid)
{
    assert_ptr_equal(mine, &its_owner);
    assert_int_equal(uid, geteuid());
    return owner_is_full;
}

OWNER struct viewer sees_all(const struct connection_owner *mine, const struct identity *identity)
{
    assert_ptr_equal(mine, &its_owner);
    assert_int_equal(identity->pid, getpid());
    return (struct viewer){identity->uid, ROLE_ADMIN};
}

OWNER void note_watch(struct connection_owner *mine)
{
    assert_ptr_equal(mine, &its_owner);
    is_watched = true;
}

OWNER int make_connection(void **state)
{
    make_loop(state);
    its_owner = (struct connection_owner){
        .loop = loop,
        .parser = jsonrpc_parser_new(JSONRPC_VALUES),
        .request = write_down,
        .request_plain = write_down_plain,
        .is_full = says_full,
        .viewer = sees_all,
        .watch = note_watch,
        .closed = count_gone,
    };
    manner = ANSWERS;
    asked = orphans = steps = steps_wanted = 0;
    is_watched = owner_is_full = false;
    open_client();
    connection_start(connection);
    return 0;
}

OWNER int end_connection(void **state)
{
    close_client();
    end_client();
    jsonrpc_parser_free(its_owner.parser);
    return end_loop(state);
}

#define CONNECTED(function) \
    cmocka_unit_test_setup_teardown(function, make_connection, end_connection)

static int wanted;

OWNER bool so_many_were_asked(void)
{
    return asked >= wanted;
}

OWNER void expect_asked(int count)
{
    wanted = count;
    assert_true(loop_until(so_many_were_asked));
    loop_turn();
    assert_int_equal(asked, count);
}

#endif
