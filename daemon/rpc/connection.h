/*
 * connection: one client: its lines in, its answers and notifications out, and what bounds both.
 *
 * What a request means is not known here: it goes to the connection's owner, and its answer comes
 * back by connection_answer(), now or later.
 *
 * A client that does not read is not read: with more than CONNECTION_UNSENT_MAX unsent its requests
 * wait. Loop-only.
 */
#ifndef RPC_CONNECTION_H
#define RPC_CONNECTION_H

#include "jsonrpc.h"
#include "registry/subscriber.h"

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
struct connection;

/* Whose connections they are: embed. It outlives them; its functions are called on the loop. */
struct connection_owner {
    struct loop *loop;
    struct jsonrpc_parser *parser; /* of short lines, of all its connections */
    struct account *accounts;      /* of those who are in, with their time, bytes and seats */
    uint64_t serial;               /* of the last that came */

    /* One request object of so many bytes of text, which it borrows. If it wants an answer, that
     * comes by connection_answer(), now or later. */
    void (*request)(struct connection_owner *owner, struct connection *connection,
                    struct json_object *json, size_t bytes, bool in_batch);

    /* The same for one outside of any batch that is plain. */
    void (*request_plain)(struct connection_owner *owner, struct connection *connection,
                          const struct jsonrpc_plain *plain);

    /* Whether this user's requests wait for something else than its own reading. Whoever waits is
     * run again by account_wake(). */
    bool (*is_full)(const struct connection_owner *owner, uid_t uid);

    /* Who reads, and the role that they have now. */
    struct viewer (*viewer)(const struct connection_owner *owner, const struct identity *identity);

    /* From now on it is to be looked at now and then: connection_check(). */
    void (*watch)(struct connection_owner *owner);

    /* It is gone when this returns; connection_link() still is where the owner put it. */
    void (*closed)(struct connection_owner *owner, struct connection *connection);
};

/* Takes one waiting client from `server`; NULL with the reason in the log. */
struct connection *connection_accept(struct connection_owner *owner, uv_stream_t *server);

/* Says why and hangs up when that is out. */
void connection_refuse(struct connection *connection, const struct lodge_error *err);

/* Begins to read. */
void connection_start(struct connection *connection);

/* Hangs up at the end of this turn: nothing is freed under a caller. */
void connection_close(struct connection *connection);

const struct identity *connection_identity(const struct connection *connection);
struct account *connection_account(const struct connection *connection);

/* Its client, and the role that it has now. */
struct viewer connection_viewer(const struct connection *connection);

/* Whether it does not count any more, as far as the loop has heard. */
bool connection_is_closing(const struct connection *connection);

/* Whether it still counts: not closing, and its other end not closed altogether (which the loop may
 * be about to hear; then it is closed here). */
bool connection_is_alive(struct connection *connection);

/* Closes it if nothing of what is unsent went out for CONNECTION_STALLED_MS, or if the other end is
 * gone for good. Returns whether it must be looked at again. */
bool connection_check(struct connection *connection, uint64_t now_ms);

/* Its subscriptions. */
struct subscriber *connection_find_subscription(struct connection *connection, int64_t id);
bool connection_may_subscribe(const struct connection *connection, struct lodge_error *err);
void connection_add_subscription(struct connection *connection, struct subscriber *subscriber);
void connection_end_subscription(struct connection *connection, struct subscriber *subscriber);
struct sink *connection_sink(struct connection *connection);

/* A request that is not answered yet hangs here: embed. */
struct connection_call {
    struct connection_call *previous, *next; /* in connection.calls */
    bool in_batch;
    void (*orphan)(
        struct connection_call *call);           /* its client is gone, and it hangs here no more */
    bool (*go_on)(struct connection_call *call); /* of one that works: whether it has answered */
    struct connection_call *works_next;          /* … and the one behind it */
};
void connection_add_call(struct connection *connection, struct connection_call *call);
void connection_drop_call(struct connection *connection, struct connection_call *call);
unsigned connection_open_calls(const struct connection *connection);

/* A call that works, in steps, behind those that do: nothing else is handled before they have
 * answered. While its request is handled, or later. */
void connection_work(struct connection *connection, struct connection_call *call);

/* Sends the answer of a call, whole or as one entry of a batch's; none if `envelope` is empty. */
void connection_answer(struct connection *connection, const struct connection_call *call,
                       const struct buffer *envelope);

/* The owner's list. */
struct connection_link {
    struct connection_link *prev;
    struct connection_link *next;
};
struct connection_link *connection_link(struct connection *connection);
struct connection *connection_of(struct connection_link *link);

#endif
