/*
 * client: the connection to lodged, its bytes both ways, and where each line goes.
 *
 * The caller's loop owns the waiting. A connection that breaks is noticed while reading only, so
 * that what the daemon said last is heard; sending into it just stops.
 */
#include "client_private.h"
#include "scope.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    READ_SIZE = 64 << 10,
    READS_PER_DISPATCH = 16, /* a fast daemon must not keep the caller from its other descriptors */
};

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

/* Frees what a client holds; it has no connection, calls or subscriptions any more. */
static void client_free(struct lodge_client *client)
{
    jsonrpc_parser_free(client->parser);
    frame_done(&client->in);
    buffer_free(&client->out);
    free(client->path);
    free(client);
}

static bool client_connect(struct lodge_client *client, struct lodge_error *err)
{
    client->fd = socket_connect(client->path, err);
    client->connection++;
    client->farewell[0] = '\0';
    return client->fd >= 0;
}

static void client_disconnect(struct lodge_client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    client->fd = -1;
    frame_done(&client->in);
    buffer_free(&client->out);
    client->sent = 0;
    subscriptions_wait(client);
}

struct lodge_client *lodge_client_open(const char *socket_path, struct lodge_error *err)
{
    struct lodge_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    client->fd = -1;
    frame_init(&client->in, CLIENT_ANSWER_LIMIT);
    client->path = socket_path != NULL ? strdup(socket_path) : lodge_socket_path();
    client->parser = jsonrpc_parser_new(0);
    if (client->path == NULL || client->parser == NULL) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    } else if (client_connect(client, err)) {
        return client;
    }
    client_free(client);
    return NULL;
}

void lodge_client_close(struct lodge_client *client)
{
    if (client == NULL || client->closed) {
        return;
    }
    struct lodge_error closing = {0};
    lodge_fail(&closing, LODGE_ERROR_CANCELLED, "the connection to lodged was closed");
    client->closed = true;
    client->lost = closing;
    client_disconnect(client);
    subscriptions_free(client);
    client->busy++;
    calls_fail(client, &closing);
    if (--client->busy == 0) {
        client_free(client);
    }
}

/* The end of a function that ran callbacks: frees a client that one of them closed. */
static bool client_leave(struct lodge_client *client, struct lodge_error *err)
{
    bool is_connected = client->fd >= 0;
    if (!is_connected) {
        *err = client->lost;
    }
    if (--client->busy == 0 && client->closed) {
        client_free(client);
    }
    return is_connected;
}

int lodge_client_fd(const struct lodge_client *client)
{
    return client->fd;
}

short lodge_client_events(const struct lodge_client *client)
{
    bool unsent = client->out.length > client->sent;
    return (short)(POLLIN | (unsent ? POLLOUT : 0));
}

/* Closes the connection for a reason and fails the open calls with it; runs callbacks, so only from
 * within a busy function. */
__attribute__((format(printf, 2, 3))) static void client_lose(struct lodge_client *client,
                                                              const char *format, ...)
{
    char what[300];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)length; /* what is too long is cut: its start says what happened */
    lodge_error_clear(&client->lost);
    lodge_fail(&client->lost, LODGE_ERROR_UNREACHABLE, "lodged at '%s' %s", client->path, what);
    client_disconnect(client);
    struct lodge_error lost = client->lost; /* a callback may connect and lose again */
    calls_fail(client, &lost);
}

/* Sends what the socket takes. */
static void client_flush(struct lodge_client *client)
{
    while (client->sent < client->out.length) {
        ssize_t sent = send(client->fd, client->out.data + client->sent,
                            client->out.length - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (sent < 0) {
            break; /* reading tells why, and what the daemon still said */
        }
        client->sent += (size_t)sent;
    }
    buffer_clear(&client->out);
    client->sent = 0;
}

/* Adds `params` as one line. A line break in JSON text is space: its strings cannot hold any. */
static bool add_params(struct lodge_client *client, const char *params, struct lodge_error *err)
{
    size_t length = strnlen(params, CLIENT_REQUEST_LIMIT);
    if (length == CLIENT_REQUEST_LIMIT) {
        return lodge_fail(err, LODGE_ERROR_PARAMS, "the parameters have more than 1 MiB");
    }
    AUTO(json_object_put)
    struct json_object *json = jsonrpc_parse(client->parser, params, length, err);
    if (json == NULL) {
        err->kind = LODGE_ERROR_PARAMS;
        return lodge_fail_in(err, "the parameters");
    }
    if (!json_object_is_type(json, json_type_object)) {
        return lodge_fail(err, LODGE_ERROR_PARAMS, "the parameters must be a JSON object");
    }
    buffer_add_text(&client->out, ",\"params\":");
    size_t start = client->out.length;
    buffer_add(&client->out, params, length);
    for (size_t i = start; i < client->out.length; i++) {
        if (client->out.data[i] == '\n' || client->out.data[i] == '\r') {
            client->out.data[i] = ' ';
        }
    }
    return true;
}

bool client_send(struct lodge_client *client, int64_t call, const char *method, const char *params,
                 struct lodge_error *err)
{
    struct buffer *out = &client->out;
    size_t start = out->length;
    buffer_add_text(out, "{\"jsonrpc\":\"2.0\",\"method\":");
    buffer_add_json_string(out, method);
    if (call > 0) {
        buffer_add_text(out, ",\"id\":");
        buffer_add_json_int(out, call);
    }
    bool is_good = params == NULL || add_params(client, params, err);
    buffer_add_text(out, "}\n");
    if (is_good && out->failed) {
        is_good = lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    }
    if (is_good && out->length - start > CLIENT_REQUEST_LIMIT) {
        is_good = lodge_fail(err, LODGE_ERROR_PARAMS, "the request has more than 1 MiB");
    }
    if (!is_good) {
        out->length = start;
        out->failed = false;
        return false;
    }
    client_flush(client);
    return true;
}

/* One message from the daemon. */
static void hear_line(struct lodge_client *client, const char *line, size_t length)
{
    struct lodge_error err = {0};
    struct json_object *member = NULL;
    struct json_object *params = NULL;
    AUTO(json_object_put)
    struct json_object *message = jsonrpc_parse(client->parser, line, length, &err);
    if (message == NULL || !json_object_is_type(message, json_type_object)) {
        client_lose(client, "does not speak lodge's protocol: %.100s",
                    message == NULL ? err.message : "its message is no object");
    } else if (json_object_object_get_ex(message, "method", &member)) {
        const char *method = json_object_get_string(member);
        bool is_event = method != NULL && strcmp(method, "event") == 0 &&
                        json_object_object_get_ex(message, "params", &params);
        if (is_event && !subscription_hear(client, params, &err)) {
            client_lose(client, "sent an event that breaks the contract: %.100s", err.message);
        }
    } else if (json_object_object_get_ex(message, "id", &member) && member != NULL) {
        call_answer(client, json_object_get_int64(member), message);
    } else if (json_object_object_get_ex(message, "error", &member)) {
        error_from_json(member, &err);
        snprintf(client->farewell, sizeof client->farewell, ": %.190s", err.message);
    }
}

/* All whole lines that have come. False when the connection they came by is gone. */
static bool hear_lines(struct lodge_client *client)
{
    unsigned connection = client->connection;
    char *line = NULL;
    size_t length = 0;
    while (client->fd >= 0 && client->connection == connection) {
        switch (frame_next(&client->in, &line, &length)) {
        case FRAME_LINE:
            hear_line(client, line, length);
            break;
        case FRAME_NEED_MORE:
            return true;
        case FRAME_TOO_LONG:
            client_lose(client, "sent a line over 64 MiB");
            break;
        }
    }
    return false;
}

static void client_receive(struct lodge_client *client)
{
    /* A callback that dispatches finds the lines that came together with its own. */
    if (!hear_lines(client)) {
        return;
    }
    for (int reads = 0; reads < READS_PER_DISPATCH; reads++) {
        char *space = frame_space(&client->in, READ_SIZE);
        if (space == NULL) {
            client_lose(client, "says more than there is memory for");
            return;
        }
        ssize_t got = recv(client->fd, space, READ_SIZE, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (got <= 0) {
            client_lose(client, "hung up%s", client->farewell);
            return;
        }
        frame_added(&client->in, (size_t)got);
        if (!hear_lines(client)) {
            return;
        }
    }
}

bool lodge_client_dispatch(struct lodge_client *client, struct lodge_error *err)
{
    client->busy++;
    if (client->fd >= 0) {
        client_flush(client);
        client_receive(client);
    }
    calls_expire(client);
    return client_leave(client, err);
}

bool lodge_client_reconnect(struct lodge_client *client, struct lodge_error *err)
{
    if (client->closed) {
        *err = client->lost;
        return false;
    }
    client->busy++;
    if (client->fd >= 0) {
        client_lose(client, "is being connected to anew");
    }
    struct lodge_error failure = {0};
    if (!client->closed && client->fd < 0) { /* unless a callback did either */
        lodge_error_clear(&client->lost);
        if (!client_connect(client, &failure)) {
            client->lost = failure;
        } else if (!subscriptions_begin(client, &failure)) {
            client_lose(client, "could not be subscribed to: %s", failure.message);
        }
    }
    return client_leave(client, err);
}
