/*
 * client_private: what the three files of the client share.
 *
 * client.c owns the connection and its bytes, call.c the calls that wait for an answer,
 * subscription.c what events go to. Callbacks may use any public function, closing included: while
 * one may be running (`busy`) the client is not freed, and nothing that a callback could have freed
 * or moved is touched after it.
 */
#ifndef CLIENT_PRIVATE_H
#define CLIENT_PRIVATE_H

#include "buffer.h"
#include "frame.h"
#include "jsonrpc.h"
#include "list.h"
#include "lodge/client.h"

enum {
    CLIENT_ANSWER_LIMIT = 64 << 20, /* bytes of a line from the daemon */
    CLIENT_REQUEST_LIMIT = 1 << 20, /* of one to the daemon, which hangs up on longer ones */
};

struct lodge_client {
    char *path;
    int fd;              /* -1: not connected */
    unsigned connection; /* counts them, so that a loop notices that a callback made a new one */
    struct frame in;
    struct buffer out;
    size_t sent; /* of `out` */
    struct jsonrpc_parser *parser;
    int64_t last_call;
    struct list calls;         /* open ones, oldest first */
    struct list subscriptions; /* the newest first */
    char farewell[200];        /* an error that answered no call: why the daemon will hang up */
    struct lodge_error lost;   /* while not connected: why */
    int busy;                  /* functions on the stack that run callbacks */
    bool closed;
};

/* A connected, non-blocking socket, or -1 with the path, what happened and what helps. */
int socket_connect(const char *path, struct lodge_error *err);

/* Adds one request; `call` 0 is a notification. False when it is too long, `params` is no JSON
 * object, or memory is out. */
bool client_send(struct lodge_client *client, int64_t call, const char *method, const char *params,
                 struct lodge_error *err) LODGE_MUST_CHECK;

/* The daemon's answer to an open call; nothing happens for one that is not open any more. */
void call_answer(struct lodge_client *client, int64_t id, struct json_object *message);

/* Fails and frees all open calls; new ones that callbacks make are left alone. */
void calls_fail(struct lodge_client *client, const struct lodge_error *error);

/* Fails those whose deadline has passed. */
void calls_expire(struct lodge_client *client);

/* An open call's answer goes to somebody else, or to nobody (NULL). */
void call_redirect(struct lodge_client *client, int64_t id, lodge_reply_fn *reply, void *data);

/* The JSON-RPC error object that a message carries. */
void error_from_json(struct json_object *json, struct lodge_error *ret_error);

/* Hands an event's params to its subscription. False when they break the contract. */
bool subscription_hear(struct lodge_client *client, struct json_object *params,
                       struct lodge_error *err) LODGE_MUST_CHECK;

/* The connection is gone: they wait, silently, for the next one. */
void subscriptions_wait(struct lodge_client *client);

/* Asks for all of them on a new connection and tells their handlers RESET. */
bool subscriptions_begin(struct lodge_client *client, struct lodge_error *err) LODGE_MUST_CHECK;

void subscriptions_free(struct lodge_client *client);

#endif
