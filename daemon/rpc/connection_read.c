/*
 * connection_read.c: a connection's turn, and the lines that it handles in it. Loop-only.
 *
 * Whatever ends a wait leads to connection_go_on(): bytes that came, a write that is done, a late
 * answer (by connection_flush_later()), room that its user or its owner has again, its place in its
 * user's row. It looks for itself what may be done now, in this order:
 *
 *   1. Is there anything to handle, and time to do it in? Each user has ACCOUNT_TURN_MS of each
 *      turn of the loop, for all of their connections (account_begin). Without time it stands in
 *      the user's row, and is run when it comes to the front.
 *   2. It handles one thing after the other, each time the first there is of:
 *        a step of the calls that work         no other request is looked at before they answer
 *        a piece of the long line              which then is a request
 *        the next entries of the open batch    each when the one before was answered
 *        the next line                         a request, or the beginning of the last two
 *      A request goes to the owner. It may be answered before that returns, or in another turn.
 *   3. It stops when one of these is so; what is on the right leads back to 1:
 *        no whole line is left                 bytes that come
 *        the batch waits for an answer         connection_answer()
 *        too much is unsent, though it was     a write that is done
 *        tried to be sent once
 *        the user's connections hold too       account_wake(), by whichever of them gave some back
 *        many bytes
 *        the owner is full                     account_wake(), by the owner
 *        the time is over                      the user's row: it stands at its end
 *   4. What is unsent is given to the socket, as much as it takes now; the rest is one uv_write.
 *   5. It reads on or stops to: what was read is handled before more is, so a client that does not
 *      read its answers is not read.
 *   6. Subscribers go on while little is unsent, behind answers and never within a batch.
 *   7. It closes when the client has ended and is owed nothing any more.
 *
 * Of a turn only what is on its way is kept: `out` to be sent, `held` behind a batch, the batch,
 * the long line, the calls that work. So it may be left after any step, and closed in any.
 */
#include "rpc/connection_private.h"

#include "jsonrpc.h"
#include "rpc/long_line.h"

#include <json-c/json.h>

/* One read is small: what is read is parsed before more is, so a burst of requests is bounded by
 * what their answers leave unsent and not by what a socket holds (uv_read_stop alone does not do
 * it). */
enum { READ_BYTES = 4096 };

/* Puts the tree; NULL with why there is none. */
static void run_request(struct connection *connection, struct json_object *json, size_t length,
                        const struct lodge_error *err)
{
    if (json == NULL) {
        connection_fail(connection, err);
    } else {
        connection->owner->request(connection->owner, connection, json, length, false);
    }
    json_object_put(json);
}

static void handle_line(struct connection *connection, const char *line, size_t length)
{
    struct jsonrpc_plain plain;
    if (jsonrpc_read_plain(line, length, &plain)) {
        connection->owner->request_plain(connection->owner, connection, &plain);
        return;
    }
    struct lodge_error err = {0};
    if (!jsonrpc_look_over(connection->owner->parser, line, length, &err)) {
        connection_fail(connection, &err);
    } else if (jsonrpc_is_batch(line)) {
        batch_begin(connection, line, length);
    } else if (long_line_is_short(length)) {
        struct json_object *json = long_line_parse_short(connection, line, length, &err);
        run_request(connection, json, length, &err);
    } else {
        long_line_begin(connection, line, length, true);
    }
}

/* The request that is being parsed; true when none is any more. */
static bool go_on_with_line(struct connection *connection)
{
    struct lodge_error err = {0};
    struct json_object *json = NULL;
    size_t length = 0;
    if (!long_line_is_open(connection) || batch_is_open(connection)) {
        return true;
    }
    if (!long_line_parse(connection, &json, &length, &err)) {
        return false;
    }
    run_request(connection, json, length, &err);
    return true;
}

static void too_long(struct connection *connection)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_REQUEST, "a line has at most %d bytes", CONNECTION_LINE_MAX);
    connection_fail(connection, &err);
    connection_enter(connection, CONNECTION_LEAVING);
}

void connection_stop_reading(struct connection *connection)
{
    if (connection->is_reading) {
        connection->is_reading = false;
        uv_read_stop((uv_stream_t *)&connection->pipe);
    }
}

void connection_weigh(struct connection *connection)
{
    if (!frame_pending(&connection->frame) && frame_size(&connection->frame) > ACCOUNT_LINE) {
        frame_done(&connection->frame); /* of a long line that was handled */
    }
    size_t batch = batch_is_open(connection) ? connection->batch->bytes : 0;
    account_weigh(&connection->place,
                  frame_size(&connection->frame) + batch + connection->held.length,
                  connection->out.capacity + connection->sending.capacity);
}

/* Its user had its part of this turn: what is left is for the next. */
static bool is_tired(struct connection *connection)
{
    if (!account_is_over(connection->place.account)) {
        return false;
    }
    account_wait(&connection->place);
    return true;
}

/* Whether it goes on only when something was sent, or its owner has room again. While a batch
 * is open, what is held back for its end does not count: nothing but the batch's own going on frees
 * that. */
static bool must_wait(struct connection *connection)
{
    size_t unsent =
        batch_is_open(connection) ? connection_queued(connection) : connection_unsent(connection);
    connection_weigh(connection);
    return unsent >= CONNECTION_UNSENT_MAX || !account_may_answer(connection->place.account) ||
           connection->owner->is_full(connection->owner, connection->identity.uid);
}

static bool has_work(struct connection *connection)
{
    bool is_open = connection_handles(connection);
    bool is_busy = connection->works != NULL || long_line_is_open(connection);
    if (is_open && batch_is_open(connection) && !is_busy) {
        return !connection->batch->waits;
    }
    return is_open && (is_busy || frame_has_line(&connection->frame));
}

/* Steps of the calls that work, one after the other; true when none does any more. */
static bool work_on(struct connection *connection)
{
    struct connection_call *call;
    while ((call = connection->works) != NULL) {
        connection->works = call->works_next; /* what it leads to may add one */
        if (!call->go_on(call)) {
            call->works_next = connection->works;
            connection->works = call;
            return false;
        }
    }
    return true;
}

/* Handles the lines that are there, as long as their answers find room. */
static void handle_lines(struct connection *connection)
{
    if (!has_work(connection) || !account_begin(&connection->place)) {
        return;
    }
    connection->is_parsing = true;
    while (connection_handles(connection)) {
        if (!work_on(connection)) {
            account_wait(&connection->place);
            break;
        }
        if (!go_on_with_line(connection)) {
            break;
        }
        if (batch_is_open(connection)) {
            batch_run(connection);
        }
        if (connection->works != NULL) {
            continue;
        }
        if (must_wait(connection)) {
            /* Its reader may have kept up: then all of it goes out at once, and no write is left
             * whose end would call us again. */
            connection_flush(connection);
            if (must_wait(connection)) {
                break;
            }
        }
        if (batch_is_open(connection)) {
            if (connection->batch->waits || long_line_is_open(connection) || is_tired(connection)) {
                break;
            }
            continue;
        }
        char *line;
        size_t length;
        enum frame_result result = frame_next(&connection->frame, &line, &length);
        if (result == FRAME_NEED_MORE) {
            break;
        }
        if (result == FRAME_TOO_LONG) {
            too_long(connection);
            break;
        }
        handle_line(connection, line, length);
        if (is_tired(connection)) {
            break;
        }
    }
    connection->is_parsing = false;
    account_pause(connection->place.account);
}

static bool may_read(struct connection *connection)
{
    bool may = connection->phase == CONNECTION_OPEN && !connection->place.waits &&
               !batch_is_open(connection) && !must_wait(connection);
    if (may && !account_may_read(&connection->place)) {
        connection->owner->watch(connection->owner);
        may = false;
    }
    return may;
}

static void room_to_read(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)suggested;
    struct connection *connection = (struct connection *)handle;
    char *space = frame_space(&connection->frame, READ_BYTES);
    *ret_buffer = uv_buf_init(space, space == NULL ? 0 : READ_BYTES);
}

static void bytes_came(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    (void)buffer;
    struct connection *connection = (struct connection *)stream;
    if (count == UV_EOF) {
        connection_enter(connection, CONNECTION_ENDED);
        connection_stop_reading(connection);
    } else if (count < 0) {
        connection_close(connection);
        return;
    } else if (count > 0) {
        frame_added(&connection->frame, (size_t)count);
        account_has_read(&connection->place);
    }
    connection_go_on(connection);
}

static void tell_events(struct connection *connection)
{
    for (unsigned i = 0; i < connection->subscriber_count; i++) {
        subscriber_walk(connection->subscribers[i]);
    }
}

void connection_go_on(void *owner)
{
    struct connection *connection = owner;
    if (connection->phase == CONNECTION_CLOSING) {
        return;
    }
    /* Requests and events that both take all the time there is have it by turns. */
    connection->events_first = connection->owes_events && !connection->events_first;
    connection->owes_events = false;
    if (connection->events_first) {
        tell_events(connection);
    }
    handle_lines(connection);
    account_resume(connection->place.account); /* the kernel's part of it is no less */
    connection_flush(connection);
    account_pause(connection->place.account);
    if (connection->phase == CONNECTION_CLOSING) {
        return;
    }
    connection_weigh(connection);
    bool wants = may_read(connection);
    if (wants && !connection->is_reading) {
        connection->is_reading = true;
        uv_read_start((uv_stream_t *)&connection->pipe, room_to_read, bytes_came);
    } else if (!wants) {
        connection_stop_reading(connection);
    }
    if (!connection->events_first) {
        tell_events(connection);
    }
    connection_close_if_done(connection);
}
