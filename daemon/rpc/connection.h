/*
 * connection: one client: its lines in, its answers and notifications out, and what bounds both.
 *
 * A client that does not read is not read: with more than CONNECTION_UNSENT_MAX unsent its requests
 * wait. Loop-only.
 */
#ifndef RPC_CONNECTION_H
#define RPC_CONNECTION_H

#include "registry/subscriber.h"
#include "rpc/call.h"

#include <json-c/json_types.h>
#include <uv.h>

enum {
    CONNECTION_LINE_MAX = 1024 * 1024,
    CONNECTION_UNSENT_MAX = 1024 * 1024,
    CONNECTION_NOTIFY_MAX =
        256 * 1024, /* subscribers wait above this, so that answers get through */
    CONNECTION_CALLS_MAX = 256,
    CONNECTION_SUBSCRIPTIONS_MAX = 64,
    CONNECTION_STALLED_MS = 30000,
};

struct account;
struct door;
struct connection;

/* Takes one waiting client from `server`; NULL with the reason in the log. */
struct connection *connection_accept(struct door *door, uv_stream_t *server);

/* Says why and hangs up when that is out. */
void connection_refuse(struct connection *connection, const struct lodge_error *err);

/* Begins to read. */
void connection_start(struct connection *connection);

/* Hangs up at the end of this turn: nothing is freed under a caller. */
void connection_close(struct connection *connection);

const struct identity *connection_identity(const struct connection *connection);
struct account *connection_account(const struct connection *connection);
struct door *connection_door(const struct connection *connection);

/* Its client, and the role that it has now. */
struct viewer connection_viewer(const struct connection *connection);

/* Whether it still counts: not closing, and its other end not closed altogether (which the loop may
 * be about to hear; then it is closed here). */
bool connection_is_alive(struct connection *connection);

/* Closes it if nothing of what is unsent went out for CONNECTION_STALLED_MS, or if the other end is
 * gone for good. Returns whether it must be looked at again. */
bool connection_check(struct connection *connection, uint64_t now_ms);

/* Sends one answer, or one entry of a batch's. */
void connection_answer(struct connection *connection, const struct call *call,
                       const struct buffer *envelope);

/* Its subscriptions. */
struct subscriber *connection_find_subscription(struct connection *connection, int64_t id);
bool connection_may_subscribe(const struct connection *connection, struct lodge_error *err);
void connection_add_subscription(struct connection *connection, struct subscriber *subscriber);
void connection_end_subscription(struct connection *connection, struct subscriber *subscriber);
struct sink *connection_sink(struct connection *connection);

/* For gate.c: calls that are open hang here. */
struct call_link {
    struct call_link *prev;
    struct call_link *next;
};
void connection_add_call(struct connection *connection, struct call_link *link);
void connection_drop_call(struct connection *connection, struct call_link *link);
unsigned connection_open_calls(const struct connection *connection);

/* A call that works: nothing else is handled before it has answered. */
void connection_work(struct connection *connection, struct call *call);

/* The door's list. */
struct connection_link {
    struct connection_link *prev;
    struct connection_link *next;
};
struct connection_link *connection_link(struct connection *connection);
struct connection *connection_of(struct connection_link *link);

#endif
