/*
 * gate: what every request passes, in this order: envelope, method, role, parameters; then it runs.
 * Loop-only.
 */
#ifndef RPC_GATE_H
#define RPC_GATE_H

#include "rpc/call.h"
#include "rpc/connection.h"

/* Handles one request object of so many bytes of text; its answer, if it wants one, comes by
 * connection_answer(), now or later. `services` outlives it. */
void gate_run(const struct rpc_services *services, struct connection *connection,
              struct json_object *json, size_t bytes, bool in_batch);

/* The same for a request outside of any batch that is plain. */
void gate_run_plain(const struct rpc_services *services, struct connection *connection,
                    const struct jsonrpc_plain *plain);

#endif
