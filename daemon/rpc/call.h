/*
 * call: one request from the moment it is understood until it is answered, exactly once.
 *
 * It outlives its handler, which may answer later, and its connection: an answer to nobody is
 * dropped. Loop-only.
 */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include "buffer.h"
#include "fields.h"
#include "lodge/error.h"
#include "registry/registry.h"

struct audit;
struct audit_call;
struct method;
struct ops;
struct call;
struct console;
struct web_door;
struct connection;
struct reads;

/* What handlers work with; owned by the wiring, the same for every call. */
struct rpc_services {
    struct loop *loop;
    const struct method *const *methods; /* the tables, see method.h */
    struct registry *registry;
    struct reads *reads;
    struct ops *ops;
    struct audit *audit;
    struct console *console;
    struct web_door *web;    /* NULL: browsers are not answered */
    const char *stream_path; /* of the door for byte streams */
    int64_t started_at;
};

const struct rpc_services *call_services(const struct call *call);
struct viewer call_viewer(const struct call *call);
const struct identity *call_identity(const struct call *call); /* NULL once the client is gone */
pid_t call_pid(const struct call *call);
const struct method *call_method(const struct call *call);
struct connection *call_connection(const struct call *call); /* NULL once the client is gone */

/* A call that may take longer than its user's part of a turn: works until it is tired, and goes on
 * when it is that user's turn again. Embed. */
struct call_work {
    bool (*step)(struct call_work *work, struct call *call); /* true: it has answered */
    void (*free)(struct call_work *work); /* when it has, or when its client has gone */
};

/* Gives it away; the first step is made when it is its user's turn. For methods that keep their
 * parameters, or need them no more. Nobody works for a client that is gone. */
void call_work(struct call *call, struct call_work *work);
bool call_is_tired(const struct call *call);

/* What it waits for now costs nobody anything: its seat is another's. */
void call_stand_up(struct call *call);

/* Has this VM's definition read again, for whoever looks next; so many of a user a second. */
void call_read_beside(struct call *call, const struct vm *vm);

/* What it is about, for the audit: HOST/NAME. */
void call_set_target(struct call *call, const char *host, const char *name);

/* The operation that it began or is about, for the audit. */
void call_set_op(struct call *call, int64_t op);

/* Who calls what, as the audit has it; the texts are the call's, and live until it is answered. */
struct audit_call call_for_audit(const struct call *call);

/* Its row of the audit is written, in the transaction of the change; or it has changed nothing. */
void call_set_audited(struct call *call);

/* Answers with JSON text, and frees the call. Of a method that changes something the answer goes
 * out when its row of the audit is on disk. */
void call_reply(struct call *call, const struct buffer *result);
void call_reply_empty(struct call *call); /* {} */

/* Answers with an error, and frees the call. */
void call_fail(struct call *call, const struct lodge_error *err);

#endif
