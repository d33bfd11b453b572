/* call_private.h: what a call is made of, for call.c (its life and its answer) and gate.c (what it
 * passes until it runs). Loop-only. */
#ifndef RPC_CALL_PRIVATE_H
#define RPC_CALL_PRIVATE_H

#include "rpc/call.h"
#include "rpc/connection.h"
#include "rpc/seats.h"

struct call {
    struct connection_call open; /* first; hangs at `connection`, while there is one */
    struct connection *connection;
    const struct rpc_services *services;
    const struct method *method;
    struct viewer viewer;
    pid_t pid;
    char *id; /* JSON text; NULL: nobody wants an answer */
    bool is_notification;
    bool is_audited;
    char *target;
    char *record;            /* its parameters, as the audit keeps them; NULL: nothing */
    int64_t op;              /* that it began or is about; 0: none */
    struct account *account; /* held */
    size_t asked;            /* what it counts there */
    struct sitter seat;
    void *kept; /* its parameters, METHOD_PARAMS_MAX */
    struct call_work *work;
    struct buffer envelope; /* its answer, until that is sent */
};

/* `id` is JSON text, given away; the request has so many bytes. Its method is not known yet. */
struct call *call_new(const struct rpc_services *services, struct connection *connection, char *id,
                      size_t bytes, bool is_notification);

/* Takes the parameters over. */
void call_keep_params(struct call *call, const void *params);

/* Frees what was kept of a call of this method. */
void call_forget_kept(const struct method *method, void *kept);

#endif
