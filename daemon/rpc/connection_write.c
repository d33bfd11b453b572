/* connection_write.c: what goes out to a client, in which order, and when. */
#include "rpc/connection_private.h"
#include "rpc/gate.h"

enum { KEEP_BYTES = 4096 };

size_t connection_queued(const struct connection *connection)
{
    return connection->out.length +
           uv_stream_get_write_queue_size((const uv_stream_t *)&connection->pipe);
}

size_t connection_unsent(const struct connection *connection)
{
    return connection_queued(connection) + connection->held.length;
}

static void wrote(uv_write_t *request, int status);

static void trim(struct buffer *buffer)
{
    if (buffer->capacity > KEEP_BYTES) {
        buffer_free(buffer);
    } else {
        buffer_clear(buffer);
    }
}

void connection_flush(struct connection *connection)
{
    if (connection->closing || connection->writing) {
        return;
    }
    if (connection->out.length == 0) {
        if (connection->close_when_sent) {
            connection_close(connection);
        }
        return;
    }
    if (connection->out.failed) {
        connection_close(connection); /* a line is torn: out of memory for this client alone */
        return;
    }
    uv_stream_t *stream = (uv_stream_t *)&connection->pipe;
    uv_buf_t bytes = uv_buf_init(connection->out.data, (unsigned)connection->out.length);
    int sent = uv_try_write(stream, &bytes, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        connection_close(connection);
        return;
    }
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (done == connection->out.length) {
        trim(&connection->out);
        if (connection->close_when_sent) {
            connection_close(connection);
        }
        return;
    }
    struct buffer free_one = connection->sending;
    connection->sending = connection->out;
    connection->out = free_one;
    bytes =
        uv_buf_init(connection->sending.data + done, (unsigned)(connection->sending.length - done));
    connection->writing = true;
    connection->last_untaken = SIZE_MAX;
    if (uv_write(&connection->write, stream, &bytes, 1, wrote) != 0) {
        connection->writing = false;
        connection_close(connection);
        return;
    }
    door_watch(connection->door);
}

static void wrote(uv_write_t *request, int status)
{
    struct connection *connection = request->data;
    connection->writing = false;
    trim(&connection->sending);
    if (status < 0) {
        connection_close(connection);
        return;
    }
    connection_go_on(connection);
}

struct loop *connection_loop(const struct connection *connection)
{
    return door_house(connection->door)->loop;
}

void connection_flush_later(struct connection *connection)
{
    loop_later(connection_loop(connection), &connection->go_on);
}

void connection_answer(struct connection *connection, const struct call *call,
                       const struct buffer *envelope)
{
    struct batch *batch = connection->batch;
    if (connection->closing) {
        return;
    }
    if (call_is_in_batch(call)) {
        if (envelope->length > 0) {
            buffer_add_char(&connection->out, batch->wrote ? ',' : '[');
            buffer_add(&connection->out, envelope->data, envelope->length);
            batch->wrote = true;
        }
        batch->waits = false;
    } else if (envelope->length > 0) {
        struct buffer *to = batch_is_open(connection) ? &connection->held : &connection->out;
        buffer_add(to, envelope->data, envelope->length);
        buffer_add_char(to, '\n');
    }
    if (!connection->parsing) {
        connection_flush_later(connection);
    }
}
