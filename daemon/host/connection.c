/*
 * connection: opens and closes on threads of its own, and makes letters of what libvirt's threads
 * call back.
 *
 * The struct is the loop's; the opener and the closer have their part of it, each until its letter
 * is delivered. libvirt holds it as well, once for each kind of event that it took (`callbacks`):
 * so it is freed when it is closed and the last of these has been let go.
 */
#include "host/connection.h"
#include "host/libvirt_error.h"
#include "host/uri.h"
#include "loop/thread.h"
#include "loop/turnstile.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

/* A libvirtd that is silent for 15 s is gone: the sum libvirt makes of these. */
enum { KEEPALIVE_INTERVAL_S = 5, KEEPALIVE_MISSES = 2 };

enum stage { STAGE_OPENING, STAGE_OPEN, STAGE_CLOSING, STAGE_CLOSED };

struct libvirt_connection {
    bool in_process; /* no libvirtd at the other end */
    struct loop *loop;
    char *uri;
    const struct libvirt_connection_listener *listener; /* NULL once dropped */
    void *owner;
    bool wants_keepalive;
    bool made_here; /* as the URI says (uri.h) */
    enum stage stage;
    unsigned users;          /* calls that are out on it */
    const char *lost_reason; /* it broke before we knew that it is open */

    /* The opener's until its letter is delivered, the closer's from when it starts. */
    struct letter letter;
    struct lodge_error error;
    virConnectPtr conn;
    bool has_close_callback;
    bool has_events;
    unsigned callbacks; /* of events, by which libvirt holds us; the loop's once open */
    struct event_subscription subscriptions[EVENT_KINDS_MAX];
};

struct loss {
    struct letter letter;
    struct libvirt_connection *connection;
    const char *reason;
};

struct news {
    struct letter letter;
    struct libvirt_connection *connection;
    struct domain_event event;
};

static void free_when_unheld(struct libvirt_connection *connection)
{
    if (connection->stage == STAGE_CLOSED && connection->callbacks == 0) {
        free(connection->uri);
        free(connection);
    }
}

/* Letters posted by libvirt's threads. They arrive in order, so that the one of `let_go` is the
 * last to name its connection. */

static void deliver_loss(struct letter *letter)
{
    struct loss *loss = (struct loss *)letter;
    struct libvirt_connection *connection = loss->connection;
    if (connection->stage == STAGE_OPENING) {
        connection->lost_reason = loss->reason;
    } else if (connection->listener != NULL && connection->stage == STAGE_OPEN) {
        connection->listener->lost(connection->owner, connection, loss->reason);
    }
    free(loss);
}

static void connection_lost(virConnectPtr conn, int reason, void *data)
{
    (void)conn;
    struct libvirt_connection *connection = data;
    struct loss *loss = xcalloc(1, sizeof *loss);
    loss->letter.deliver = deliver_loss;
    loss->connection = connection;
    loss->reason = reason == VIR_CONNECT_CLOSE_REASON_KEEPALIVE
                       ? "libvirt does not answer (no sign of life for 15 s)"
                   : reason == VIR_CONNECT_CLOSE_REASON_EOF ? "libvirt closed the connection"
                                                            : "the connection to libvirt broke";
    loop_post(connection->loop, &loss->letter);
}

static void deliver_news(struct letter *letter)
{
    struct news *news = (struct news *)letter;
    struct libvirt_connection *connection = news->connection;
    if (connection->listener != NULL && connection->stage == STAGE_OPEN) {
        connection->listener->event(connection->owner, connection, &news->event);
    }
    free(news);
}

static void event_heard(void *owner, const struct domain_event *event)
{
    struct libvirt_connection *connection = owner;
    struct news *news = xcalloc(1, sizeof *news);
    news->letter.deliver = deliver_news;
    news->connection = connection;
    news->event = *event;
    loop_post(connection->loop, &news->letter);
}

static void deliver_let_go(struct letter *letter)
{
    struct loss *last = (struct loss *)letter;
    struct libvirt_connection *connection = last->connection;
    free(last);
    connection->callbacks--;
    free_when_unheld(connection);
}

static void connection_let_go(void *data)
{
    struct libvirt_connection *connection = data;
    struct loss *last = xcalloc(1, sizeof *last);
    last->letter.deliver = deliver_let_go;
    last->connection = connection;
    loop_post(connection->loop, &last->letter);
}

/* On the thread of libvirt's events, when it is in no callback of the connection's any more. */
static void post_closed(int timer, void *data)
{
    struct libvirt_connection *connection = data;
    (void)virEventRemoveTimeout(timer);
    loop_post(connection->loop, &connection->letter);
}

/* A libvirtd that was killed cannot be told that nobody listens any more: the callback then stays
 * (libvirt 9.0), and the thread of the events may be just calling connection_lost() with what
 * breaks now. Only what that thread does next comes surely after it. */
static void *run_close(void *data)
{
    struct libvirt_connection *connection = data;
    if (connection->has_close_callback) {
        virConnectUnregisterCloseCallback(connection->conn, connection_lost);
    }
    events_deregister(connection->conn, connection->subscriptions);
    virConnectClose(connection->conn);
    if (virEventAddTimeout(0, post_closed, connection, NULL) < 0) {
        loop_post(connection->loop, &connection->letter);
    }
    return NULL;
}

static void deliver_closed(struct letter *letter)
{
    struct libvirt_connection *connection = CONTAINER_OF(letter, struct libvirt_connection, letter);
    connection->stage = STAGE_CLOSED;
    free_when_unheld(connection);
}

/* Loop only. libvirtd (9.0.0 at least) dies of a client that ends while its calls to deregister
 * events are being served: it frees the list that the worker walks. A process that leaves lets the
 * kernel hang up, with no call out. */
static bool is_leaving;

void libvirt_connections_leave(void)
{
    assert(loop_is_current());
    is_leaving = true;
}

static void close_when_unused(struct libvirt_connection *connection)
{
    if (is_leaving && !connection->in_process) {
        return;
    }
    if (connection->listener != NULL || connection->stage != STAGE_OPEN || connection->users > 0) {
        return;
    }
    connection->stage = STAGE_CLOSING;
    connection->letter.deliver = deliver_closed;
    if (!thread_start("libvirt-close", run_close, connection)) {
        /* Without threads it stays open, which is better than waiting for it here. */
        connection->stage = STAGE_OPEN;
    }
}

static void *run_open(void *data)
{
    struct libvirt_connection *connection = data;
    if (connection->made_here) {
        turnstile_enter();
    }
    virConnectPtr conn = virConnectOpen(connection->uri);
    if (connection->made_here) {
        turnstile_leave();
    }
    if (conn == NULL) {
        libvirt_fail(&connection->error, "cannot connect to %s", connection->uri);
    } else {
        connection->conn = conn;
        if (connection->wants_keepalive) {
            virConnectSetKeepAlive(conn, KEEPALIVE_INTERVAL_S, KEEPALIVE_MISSES);
        }
        /* Without a freeing function, since drivers that know no such callback take it, say yes and
         * never call either. It runs under a lock that unregistering waits for. */
        connection->has_close_callback =
            virConnectRegisterCloseCallback(conn, connection_lost, connection, NULL) == 0;
        if (connection->has_events) {
            struct event_subscription like = {
                .owner = connection,
                .heard = event_heard,
                .gone = connection_let_go,
            };
            unsigned taken = events_register(conn, connection->subscriptions, &like);
            connection->callbacks = taken;
            connection->has_events = taken > 0;
        }
        /* What broke before the callback was there is told by nobody else. */
        if (virConnectIsAlive(conn) == 0) {
            connection_lost(conn, VIR_CONNECT_CLOSE_REASON_ERROR, connection);
        }
    }
    loop_post(connection->loop, &connection->letter);
    return NULL;
}

static void deliver_opened(struct letter *letter)
{
    struct libvirt_connection *connection = CONTAINER_OF(letter, struct libvirt_connection, letter);
    bool is_open = connection->conn != NULL;
    connection->stage = is_open ? STAGE_OPEN : STAGE_CLOSED;
    if (connection->lost_reason != NULL) {
        lodge_fail(&connection->error, LODGE_ERROR_HOST_DOWN, "%s", connection->lost_reason);
    }
    if (connection->listener != NULL) {
        /* The listener drops it, now or later, and frees it thereby. */
        bool is_well = connection->error.kind == LODGE_ERROR_NONE;
        connection->listener->opened(connection->owner, connection,
                                     is_well ? NULL : &connection->error);
    } else if (is_open) {
        close_when_unused(connection);
    } else {
        free_when_unheld(connection);
    }
}

struct libvirt_connection *libvirt_connection_open(struct loop *loop, const char *uri,
                                                   const struct libvirt_connection_listener *to,
                                                   void *owner)
{
    assert(loop_is_current());
    struct libvirt_connection *connection = xcalloc(1, sizeof *connection);
    connection->loop = loop;
    connection->uri = xstrdup(uri);
    connection->listener = to;
    connection->owner = owner;
    connection->has_events = to->event != NULL;
    struct uri parts;
    uri_read(&parts, uri);
    connection->in_process = parts.in_process;
    connection->made_here = parts.made_here;
    uri_clear(&parts);
    connection->wants_keepalive = to->keepalive;
    connection->letter.deliver = deliver_opened;
    if (!thread_start("libvirt-open", run_open, connection)) {
        lodge_fail(&connection->error, LODGE_ERROR_HOST_DOWN,
                   "cannot connect to %s: no thread to be had", uri);
        loop_post(loop, &connection->letter);
    }
    return connection;
}

void libvirt_connection_drop(struct libvirt_connection *connection)
{
    assert(loop_is_current());
    if (connection == NULL) {
        return;
    }
    connection->listener = NULL;
    if (connection->stage == STAGE_CLOSED) {
        free_when_unheld(connection);
    } else {
        close_when_unused(connection);
    }
}

virConnectPtr libvirt_connection_get(const struct libvirt_connection *connection)
{
    assert(connection->stage == STAGE_OPEN);
    return connection->conn;
}

void libvirt_connection_use(struct libvirt_connection *connection)
{
    assert(loop_is_current());
    connection->users++;
}

void libvirt_connection_release(struct libvirt_connection *connection)
{
    assert(loop_is_current());
    assert(connection->users > 0);
    connection->users--;
    close_when_unused(connection);
}

bool libvirt_connection_has_events(const struct libvirt_connection *connection)
{
    return connection->has_events;
}

bool libvirt_connection_is_broken(virConnectPtr conn, const struct lodge_error *error)
{
    return error->libvirt.domain == VIR_FROM_RPC && virConnectIsAlive(conn) != 1;
}
