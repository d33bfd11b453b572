/*
 * gate: what every request passes, in this order: envelope, method, role, parameters; then it runs.
 * Loop-only.
 */
#ifndef RPC_GATE_H
#define RPC_GATE_H

#include "jsonrpc.h"
#include "rpc/connection.h"

/* Handles one request object of so many bytes of text; its answer, if it wants one, comes by
 * connection_answer(), now or later. */
void gate_run(struct connection *connection, struct json_object *json, size_t bytes, bool in_batch);

/* The same for a request outside of any batch that is plain. */
void gate_run_plain(struct connection *connection, const struct jsonrpc_plain *plain);

/* Answers with an error that belongs to no request: `id` is null. */
void gate_refuse(struct connection *connection, const struct lodge_error *err);

bool call_is_in_batch(const struct call *call);
struct call *call_of(struct call_link *link);
void call_orphan(struct call *call); /* its client is gone */
bool call_go_on(struct call *call);  /* of one that works: whether it has answered, and is gone */

#endif
