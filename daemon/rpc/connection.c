/*
 * connection: the life of a client, its subscriptions and its open calls. Its turn is told in
 * connection_read.c.
 *
 * Its phases follow each other, and some are left out:
 *
 *   OPEN      it reads, handles, answers
 *   ENDED     the client has closed its side for sending: it gets the answers that it still waits
 *             for, and its events as long as it takes them
 *   LEAVING   it was turned away, or its line is too long: the error is the last that it gets
 *   CLOSING   nothing comes or goes any more
 *
 * connection_close() only marks it CLOSING. bury() takes everything down at the end of the turn:
 * the subscriptions end, calls that are not answered are told that they are orphans, the owner
 * hears of it; and libuv's close callback frees. So no caller further up finds its connection gone.
 * Loop-only; its owner outlives it.
 */
#include "rpc/connection.h"

#include "log.h"
#include "memory.h"
#include "rpc/connection_private.h"
#include "rpc/long_line.h"
#include "rpc/peer.h"
#include "scope.h"

#include <assert.h>
#include <json-c/json.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static void bury(void *owner);

/* Notifications */

static bool takes_more(struct sink *sink)
{
    struct connection *connection = CONTAINER_OF(sink, struct connection, sink);
    return connection_handles(connection) && !batch_is_open(connection) &&
           connection_unsent(connection) < CONNECTION_NOTIFY_MAX;
}

static void send_line(struct sink *sink, struct buffer *line)
{
    struct connection *connection = CONTAINER_OF(sink, struct connection, sink);
    buffer_add(&connection->out, line->data, line->length);
    connection->out.failed |= line->failed;
    connection_flush_later(connection);
}

/* Events are the account's time as answers are. A place that waits in the row is served by
 * connection_go_on(), which walks the subscriptions on. */
static bool sink_begin(struct sink *sink)
{
    struct connection *connection = CONTAINER_OF(sink, struct connection, sink);
    bool begins = account_begin(&connection->place);
    connection->owes_events |= !begins;
    return begins;
}

static bool sink_is_over(struct sink *sink)
{
    struct connection *connection = CONTAINER_OF(sink, struct connection, sink);
    bool is_over = account_is_over(connection->place.account);
    if (is_over) {
        connection->owes_events = true;
        account_wait(&connection->place);
    }
    return is_over;
}

static void sink_end(struct sink *sink)
{
    account_pause(CONTAINER_OF(sink, struct connection, sink)->place.account);
}

struct viewer connection_viewer(const struct connection *connection)
{
    return connection->owner->viewer(connection->owner, &connection->identity);
}

static struct viewer sink_viewer(struct sink *sink)
{
    return connection_viewer(CONTAINER_OF(sink, struct connection, sink));
}

struct sink *connection_sink(struct connection *connection)
{
    return &connection->sink;
}

struct subscriber *connection_find_subscription(struct connection *connection, int64_t id)
{
    for (unsigned i = 0; i < connection->subscriber_count; i++) {
        if (subscriber_id(connection->subscribers[i]) == id) {
            return connection->subscribers[i];
        }
    }
    return NULL;
}

bool connection_may_subscribe(const struct connection *connection, struct lodge_error *err)
{
    if (connection->subscriber_count >= CONNECTION_SUBSCRIPTIONS_MAX) {
        return lodge_fail(err, LODGE_ERROR_TOO_MANY,
                          "this connection has %d subscriptions: end one first",
                          CONNECTION_SUBSCRIPTIONS_MAX);
    }
    return connection->place.account->subscriptions < ACCOUNT_SUBSCRIPTIONS ||
           lodge_fail(err, LODGE_ERROR_TOO_MANY,
                      "uid %u has %d subscriptions on all its connections: end one first",
                      (unsigned)connection->identity.uid, ACCOUNT_SUBSCRIPTIONS);
}

void connection_add_subscription(struct connection *connection, struct subscriber *subscriber)
{
    assert(connection->subscriber_count < CONNECTION_SUBSCRIPTIONS_MAX);
    connection->subscribers[connection->subscriber_count++] = subscriber;
    connection->place.account->subscriptions++;
}

void connection_end_subscription(struct connection *connection, struct subscriber *subscriber)
{
    for (unsigned i = 0; i < connection->subscriber_count; i++) {
        if (connection->subscribers[i] == subscriber) {
            connection->subscribers[i] = connection->subscribers[--connection->subscriber_count];
            connection->place.account->subscriptions--;
            subscriber_free(subscriber);
            return;
        }
    }
}

/* Open calls */

void connection_add_call(struct connection *connection, struct connection_call *call)
{
    call->previous = connection->calls.previous;
    call->next = &connection->calls;
    call->previous->next = call;
    connection->calls.previous = call;
    connection->call_count++;
}

void connection_drop_call(struct connection *connection, struct connection_call *call)
{
    call->previous->next = call->next;
    call->next->previous = call->previous;
    connection->call_count--;
}

unsigned connection_open_calls(const struct connection *connection)
{
    return connection->call_count;
}

void connection_work(struct connection *connection, struct connection_call *call)
{
    struct connection_call **end = &connection->works;
    while (*end != NULL) {
        end = &(*end)->works_next;
    }
    *end = call;
    call->works_next = NULL;
    if (!connection->is_parsing) {
        connection_flush_later(connection);
    }
}

/* Life */

void connection_enter(struct connection *connection, enum connection_phase phase)
{
    if (connection->phase < phase) {
        connection->phase = phase;
    }
}

bool connection_handles(const struct connection *connection)
{
    return connection->phase < CONNECTION_LEAVING;
}

/* Whether the other end is closed altogether, not only for sending (then POLLHUP is missing). */
static bool is_hung_up(const struct connection *connection)
{
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&connection->pipe, &fd) != 0) {
        return true;
    }
    struct pollfd look = {.fd = fd};
    return poll(&look, 1, 0) == 1 && (look.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool connection_is_closing(const struct connection *connection)
{
    return connection->phase == CONNECTION_CLOSING;
}

bool connection_is_alive(struct connection *connection)
{
    if (connection->phase != CONNECTION_CLOSING && is_hung_up(connection)) {
        connection_close(connection);
    }
    return connection->phase != CONNECTION_CLOSING;
}

void connection_close_if_done(struct connection *connection)
{
    if (connection->phase == CONNECTION_ENDED || connection->phase == CONNECTION_LEAVING) {
        /* Half a line is owed nothing: its other half will not come. */
        bool owed = connection->call_count > 0 || connection_unsent(connection) > 0 ||
                    connection->subscriber_count > 0 || connection->place.waits ||
                    batch_is_open(connection) || long_line_is_open(connection) ||
                    connection->works != NULL || frame_has_line(&connection->frame);
        if (!owed || is_hung_up(connection)) {
            connection_close(connection);
        } else {
            connection->owner->watch(connection->owner);
        }
    }
}

static void run_place(struct account_place *place)
{
    connection_go_on(CONTAINER_OF(place, struct connection, place));
}

struct connection *connection_accept(struct connection_owner *owner, uv_stream_t *server)
{
    struct connection *connection = xcalloc(1, sizeof *connection);
    connection->owner = owner;
    connection->serial = ++owner->serial;
    connection->calls.previous = &connection->calls;
    connection->calls.next = &connection->calls;
    connection->sink =
        (struct sink){takes_more, send_line, sink_viewer, sink_begin, sink_is_over, sink_end};
    connection->write.data = connection;
    connection->bury = (struct loop_later){.run = bury, .owner = connection};
    connection->go_on = (struct loop_later){.run = connection_go_on, .owner = connection};
    frame_init(&connection->frame, CONNECTION_LINE_MAX);
    uv_pipe_init(loop_uv(owner->loop), &connection->pipe, 0);

    uv_os_fd_t fd = -1;
    struct lodge_error err = {0};
    int failed = uv_accept(server, (uv_stream_t *)&connection->pipe);
    if (failed == 0) {
        failed = uv_fileno((uv_handle_t *)&connection->pipe, &fd);
    }
    if (failed != 0) {
        (void)lodge_fail(&err, LODGE_ERROR_INTERNAL, "%s", uv_strerror(failed));
    }
    if (failed != 0 || !peer_read(fd, &connection->identity, &err)) {
        log_warning(LOG_RPC, "a client was turned away: %s", err.message);
        frame_done(&connection->frame);
        loop_close_handle((uv_handle_t *)&connection->pipe, (uv_close_cb)free);
        return NULL;
    }
    account_join(&owner->accounts, owner->loop, connection->identity.uid, &connection->place,
                 run_place);
    return connection;
}

void connection_start(struct connection *connection)
{
    log_debug(LOG_RPC, "%s: #%llu, uid %u, pid %d", __func__,
              (unsigned long long)connection->serial, (unsigned)connection->identity.uid,
              (int)connection->identity.pid);
    connection_go_on(connection);
}

void connection_refuse(struct connection *connection, const struct lodge_error *err)
{
    log_info(LOG_RPC, "uid %u turned away: %s", (unsigned)connection->identity.uid, err->message);
    connection_enter(connection, CONNECTION_LEAVING);
    connection_fail(connection, err);
}

void connection_close(struct connection *connection)
{
    if (connection->phase != CONNECTION_CLOSING) {
        connection_enter(connection, CONNECTION_CLOSING);
        connection_stop_reading(connection);
        loop_later(connection->owner->loop, &connection->bury);
    }
}

static void free_closed(uv_handle_t *handle)
{
    struct connection *connection = (struct connection *)handle;
    frame_done(&connection->frame);
    buffer_free(&connection->out);
    buffer_free(&connection->sending);
    buffer_free(&connection->held);
    peer_clear(&connection->identity);
    free(connection);
}

static void bury(void *owner)
{
    struct connection *connection = owner;
    log_debug(LOG_RPC, "%s: #%llu", __func__, (unsigned long long)connection->serial);
    loop_later_cancel(connection->owner->loop, &connection->go_on);
    while (connection->subscriber_count > 0) {
        subscriber_free(connection->subscribers[--connection->subscriber_count]);
        connection->place.account->subscriptions--;
    }
    while (connection->calls.next != &connection->calls) {
        struct connection_call *call = connection->calls.next;
        connection_drop_call(connection, call);
        call->orphan(call);
    }
    long_line_free(connection);
    batch_free(connection);
    account_part(&connection->place);
    connection->owner->closed(connection->owner, connection);
    loop_close_handle((uv_handle_t *)&connection->pipe, free_closed);
}

/* What the kernel holds for a reader who has not come yet. A Unix socket takes more only when three
 * quarters of it are read, so without this a slow reader would look like none. */
static size_t in_the_kernel(const struct connection *connection)
{
    uv_os_fd_t fd;
    int bytes = 0;
    if (uv_fileno((const uv_handle_t *)&connection->pipe, &fd) != 0 ||
        ioctl(fd, SIOCOUTQ, &bytes) != 0) {
        return 0;
    }
    return (size_t)bytes;
}

/* Whether there is more of its line, which is not read for want of room. */
static bool has_come(const struct connection *connection)
{
    uv_os_fd_t fd;
    int bytes = 0;
    return !connection->is_reading && connection->phase == CONNECTION_OPEN &&
           uv_fileno((const uv_handle_t *)&connection->pipe, &fd) == 0 &&
           ioctl(fd, SIOCINQ, &bytes) == 0 && bytes > 0;
}

bool connection_check(struct connection *connection, uint64_t now_ms)
{
    connection_close_if_done(connection);
    if (connection->phase == CONNECTION_CLOSING) {
        return false;
    }
    struct account *account = connection->place.account;
    if (account_is_short(account) && has_come(connection)) {
        account_offer(&connection->place, now_ms);
    }
    size_t queue = uv_stream_get_write_queue_size((const uv_stream_t *)&connection->pipe);
    if (queue == 0) {
        return connection->phase != CONNECTION_OPEN || account_is_short(account);
    }
    size_t untaken = queue + in_the_kernel(connection);
    if (untaken != connection->last_untaken) {
        connection->last_untaken = untaken;
        connection->progress_at = now_ms;
    } else if (now_ms - connection->progress_at >= CONNECTION_STALLED_MS) {
        log_info(LOG_RPC, "uid %u, pid %d does not read its answers: closed",
                 (unsigned)connection->identity.uid, (int)connection->identity.pid);
        connection_close(connection);
        return false;
    }
    return true;
}

struct account *connection_account(const struct connection *connection)
{
    return connection->place.account;
}

const struct identity *connection_identity(const struct connection *connection)
{
    return &connection->identity;
}

struct connection_link *connection_link(struct connection *connection)
{
    return &connection->link;
}

struct connection *connection_of(struct connection_link *link)
{
    return CONTAINER_OF(link, struct connection, link);
}
