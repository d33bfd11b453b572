/*
 * lodge_client: a connection to lodged (JSON-RPC 2.0, one message a line, on a Unix socket).
 *
 * It has no loop and no thread of its own: give its descriptor to yours, and call dispatch when it
 * is ready or its timeout has passed. Callbacks run inside dispatch, reconnect, close and
 * call_wait, on the caller's thread, and may use any function here; a client that one of them
 * closes is freed when the outermost of these returns (CANCELLED, but for close). One client
 * belongs to one thread at a time. No function logs, exits or ignores signals; writes use
 * MSG_NOSIGNAL.
 */
#ifndef LODGE_CLIENT_H
#define LODGE_CLIENT_H

#include "lodge/error.h"
#include "lodge/event.h"

struct lodge_client;

/* Connects to `socket_path`, or where lodge_socket_path() says when NULL. The error names the path,
 * what happened and the command that helps: UNREACHABLE when nobody listens there, DENIED when the
 * socket may not be used, INVALID for a path that no socket can have. Does not wait. */
struct lodge_client *lodge_client_open(const char *socket_path, struct lodge_error *err);

/* Hangs up, answers every open call with CANCELLED, frees everything. NULL is fine. */
void lodge_client_close(struct lodge_client *client);

/* The descriptor to wait on; -1 while not connected. It changes after a reconnect. */
int lodge_client_fd(const struct lodge_client *client);

/* POLLIN, and POLLOUT while something is unsent. */
short lodge_client_events(const struct lodge_client *client);

/* Milliseconds until the next deadline of a call, 0 when one has passed, -1 when there is none. */
int lodge_client_timeout_ms(const struct lodge_client *client);

/* Sends and receives what it can without blocking, and runs the callbacks. False when the
 * connection is lost (kind UNREACHABLE): open calls have been failed with it, subscriptions are
 * kept and start again with lodge_client_reconnect(). */
bool lodge_client_dispatch(struct lodge_client *client, struct lodge_error *err) LODGE_MUST_CHECK;

/* One attempt to connect again, with errors as of open; an open connection is hung up first.
 * Subscriptions, refused ones too, begin anew, and their handlers hear RESET first. */
bool lodge_client_reconnect(struct lodge_client *client, struct lodge_error *err) LODGE_MUST_CHECK;

/* The answer of a call: `result` is JSON text, valid during the callback, or NULL with `error`. */
typedef void lodge_reply_fn(void *data, const char *result, const struct lodge_error *error);

/* Sends a request. `params` is the JSON text of an object (else PARAMS), or NULL. `timeout_ms` 0 is
 * no deadline; past it the callback gets TIMEOUT and a late answer is dropped. Returns the call's
 * number (> 0), or 0 with `err`; the callback then never comes, otherwise exactly once. */
int64_t lodge_client_call(struct lodge_client *client, const char *method, const char *params,
                          int timeout_ms, lodge_reply_fn *reply, void *data,
                          struct lodge_error *err);

/* Sends a request and waits for its answer: JSON text that the caller frees, or NULL with `err`
 * (the daemon's error as it was said). Other callbacks may run meanwhile. */
char *lodge_client_call_wait(struct lodge_client *client, const char *method, const char *params,
                             int timeout_ms, struct lodge_error *err);

/* What to subscribe to; zeroed members are left to the daemon's defaults. */
struct lodge_subscribe {
    bool topics[LODGE_TOPICS];
    const char *query;         /* copied */
    const char *const *fields; /* NULL or NULL-terminated; copied */
};

struct lodge_subscription;

/* Each event once and in order; what `event` points to is valid during the callback. A gap in `seq`
 * is turned into a fresh subscription (RESET, then all anew). `error` is set, and `event` NULL,
 * when the daemon refused the subscription. */
typedef void lodge_event_fn(void *data, const struct lodge_event *event,
                            const struct lodge_error *error);

/* While not connected, the subscription waits for reconnect. */
struct lodge_subscription *lodge_client_subscribe(struct lodge_client *client,
                                                  const struct lodge_subscribe *what,
                                                  lodge_event_fn *handler, void *data,
                                                  struct lodge_error *err);

/* Ends and frees a subscription; its handler is not called any more. Closing the client frees its
 * subscriptions too. NULL is fine. */
void lodge_subscription_end(struct lodge_subscription *subscription);

/* Where the daemon of this user is expected: $LODGE_SOCKET; /run/lodge/lodged.sock if it is there
 * or the caller is root; else $XDG_RUNTIME_DIR/lodge/lodged.sock. The caller frees; NULL when
 * memory is out. */
char *lodge_socket_path(void);

#endif
