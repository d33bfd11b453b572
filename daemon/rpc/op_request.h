/*
 * op_request: what every call that makes an operation has in common: whom it is for, what it is
 * based on, how long its caller waits. Loop-only.
 */
#ifndef RPC_OP_REQUEST_H
#define RPC_OP_REQUEST_H

#include "ops/ops.h"
#include "rpc/method.h"

enum { OP_REQUEST_ID_MAX = 128, OP_REQUEST_TIMEOUT_MAX_MS = 86400000 };

/* Embed as `request`. */
struct op_request_params {
    char *request_id; /* first: by its parameter the others are found */
    int64_t if_rev;
    bool wait;
    int64_t timeout_ms;
};

#define OP_REQUEST_FIELDS(type)                                                          \
    {"request_id",                                                                       \
     FIELD_STRING,                                                                       \
     .offset = offsetof(type, request.request_id),                                       \
     .min = 1,                                                                           \
     .max = OP_REQUEST_ID_MAX,                                                           \
     .help = "the same id and parameters: the same operation"},                          \
        {"wait", FIELD_BOOL, .offset = offsetof(type, request.wait),                     \
         .help = "true: answer when the operation has ended"},                           \
    {                                                                                    \
        "timeout_ms", FIELD_INT, .offset = offsetof(type, request.timeout_ms), .min = 0, \
                                 .max = OP_REQUEST_TIMEOUT_MAX_MS,                       \
                                 .help = "how long to wait; the operation goes on"       \
    }

#define OP_REQUEST_IF_REV(type)                                                                    \
    {                                                                                              \
        "if_rev", FIELD_INT, .offset = offsetof(type, request.if_rev), .min = 0, .max = INT64_MAX, \
                             .help = "only if the VM's rev still is this"                          \
    }

/* The disks that the store knows, frozen: exact names and paths. */
void op_request_freeze_disks(struct plan *plan, const struct vm *vm);

/* A plan about a VM that is there. */
void op_request_plan(struct plan *plan, const struct vm *vm);

/* Asks for the operation of the call's method; `plan`'s members are taken over, `params` are the
 * call's. The call is answered, now or later. */
void op_request_submit(struct call *call, const void *params, const struct vm *vm,
                       struct plan *plan);

/* The same for a VM that is new on `host`, … */
void op_request_submit_new(struct call *call, const void *params, const char *host,
                           struct plan *plan);

/* … and for something that is no VM of the registry. */
void op_request_submit_at(struct call *call, const void *params, const char *host, const char *uuid,
                          struct plan *plan);

/* The VM is not there, or not what it must be: the answer is what its request_id's operation of
 * before answered, if it has one and its VM is gone by now; else `err`. Of any method. */
void op_request_refuse(struct call *call, const void *params, const struct lodge_error *err);

#endif
