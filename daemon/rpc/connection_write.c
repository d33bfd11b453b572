/* connection_write.c: what goes out to a client, in which order, and when. */
#include "rpc/connection_private.h"

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
    if (connection->phase == CONNECTION_CLOSING || connection->is_writing) {
        return;
    }
    if (connection->out.length == 0) {
        if (connection->phase == CONNECTION_LEAVING) {
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
        if (connection->phase == CONNECTION_LEAVING) {
            connection_close(connection);
        }
        return;
    }
    struct buffer free_one = connection->sending;
    connection->sending = connection->out;
    connection->out = free_one;
    bytes =
        uv_buf_init(connection->sending.data + done, (unsigned)(connection->sending.length - done));
    connection->is_writing = true;
    connection->last_untaken = SIZE_MAX;
    if (uv_write(&connection->write, stream, &bytes, 1, wrote) != 0) {
        connection->is_writing = false;
        connection_close(connection);
        return;
    }
    connection->owner->watch(connection->owner);
}

static void wrote(uv_write_t *request, int status)
{
    struct connection *connection = request->data;
    connection->is_writing = false;
    trim(&connection->sending);
    if (status < 0) {
        connection_close(connection);
        return;
    }
    connection_go_on(connection);
}

void connection_flush_later(struct connection *connection)
{
    loop_later(connection->owner->loop, &connection->go_on);
}

/* An answer as a line of its own. What comes while a batch's line is open waits for its end. */
static void put_line(struct connection *connection, const struct buffer *envelope)
{
    struct buffer *to = batch_is_open(connection) ? &connection->held : &connection->out;
    buffer_add(to, envelope->data, envelope->length);
    buffer_add_char(to, '\n');
}

/* As the next entry of the batch's line. */
static void put_entry(struct connection *connection, const struct buffer *envelope)
{
    struct batch *batch = connection->batch;
    if (envelope->length > 0) {
        buffer_add_char(&connection->out, batch->wrote ? ',' : '[');
        buffer_add(&connection->out, envelope->data, envelope->length);
        batch->wrote = true;
    }
    batch->waits = false;
}

void connection_answer(struct connection *connection, const struct connection_call *call,
                       const struct buffer *envelope)
{
    if (connection->phase == CONNECTION_CLOSING) {
        return;
    }
    if (call->in_batch) {
        put_entry(connection, envelope);
    } else if (envelope->length > 0) {
        put_line(connection, envelope);
    }
    if (!connection->is_parsing) {
        connection_flush_later(connection);
    }
}

void connection_fail(struct connection *connection, const struct lodge_error *err)
{
    struct buffer envelope = {0};
    jsonrpc_write_error(&envelope, NULL, err);
    connection_answer(connection, &(struct connection_call){.in_batch = false}, &envelope);
    buffer_free(&envelope);
}
