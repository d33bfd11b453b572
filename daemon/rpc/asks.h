/*
 * asks: what every call that makes an operation has in common: whom it is for, what it is based on,
 * how long its caller waits. Loop-only.
 */
#ifndef RPC_ASKS_H
#define RPC_ASKS_H

#include "ops/ops.h"
#include "rpc/method.h"

enum { ASK_TEXT_MAX = 320, ASK_REQUEST_ID_MAX = 128, ASK_TIMEOUT_MAX_MS = 86400000 };

/* Embed as `ask`. */
struct ask_params {
    char *request_id;
    int64_t if_rev;
    bool wait;
    int64_t timeout_ms;
};

#define ASK_FIELDS(type)                                                             \
    {"request_id",                                                                   \
     FIELD_STRING,                                                                   \
     .offset = offsetof(type, ask.request_id),                                       \
     .min = 1,                                                                       \
     .max = ASK_REQUEST_ID_MAX,                                                      \
     .help = "the same id and parameters: the same operation"},                      \
        {"wait", FIELD_BOOL, .offset = offsetof(type, ask.wait),                     \
         .help = "true: answer when the operation has ended"},                       \
    {                                                                                \
        "timeout_ms", FIELD_INT, .offset = offsetof(type, ask.timeout_ms), .min = 0, \
                                 .max = ASK_TIMEOUT_MAX_MS,                          \
                                 .help = "how long to wait; the operation goes on"   \
    }

#define ASK_IF_REV(type)                                                                       \
    {                                                                                          \
        "if_rev", FIELD_INT, .offset = offsetof(type, ask.if_rev), .min = 0, .max = INT64_MAX, \
                             .help = "only if the VM's rev still is this"                      \
    }

#define ASK_VM(type)                                                                             \
    {                                                                                            \
        "vm", FIELD_STRING, .offset = offsetof(type, vm), .required = true, .min = 1,            \
                            .max = ASK_TEXT_MAX,                                                 \
                            .help = "name or uuid, with HOST/ in front where that is not unique" \
    }

/* What the VM must be. */
enum ask_for {
    ASK_DOMAIN,  /* its host is up and has the domain, lodge's or not */
    ASK_MANAGED, /* the same, and lodge has a row of it */
    ASK_ROW,     /* lodge has a row of it; the host may be away */
};

/* The VM that `text` names, for this caller to change, now. NULL with the error: NOT_FOUND,
 * CONFLICT (if_rev), UNSUPPORTED (not lodge's), HOST_DOWN, BAD_STATE. Notes it for the audit. */
struct vm *ask_vm(struct call *call, const char *text, const struct ask_params *ask,
                  enum ask_for what, struct lodge_error *err);

/* What is known already is said at once: UNRESPONSIVE, if its QEMU does not answer. */
bool ask_answers(const struct vm *vm, struct lodge_error *err);

/* The disks that the store knows, frozen: exact names and paths. */
void ask_freeze_disks(struct plan *plan, const struct vm *vm);

/* A plan about a VM that is there. */
void ask_fill(struct plan *plan, const struct vm *vm);

/* Asks for the operation of the call's method; `plan`'s members are taken over, `params` are the
 * call's. `vm` NULL: a new one on `host`. The call is answered, now or later. */
void ask_op(struct call *call, const void *params, const struct ask_params *ask, struct vm *vm,
            const char *host, struct plan *plan);

/* The same for something that is no VM of the registry. */
void ask_op_of(struct call *call, const void *params, const struct ask_params *ask,
               const char *host, const char *uuid, struct plan *plan);

/* The VM is not there: what its request_id's operation of before answered, else `err`. */
void ask_known(struct call *call, const void *params, const struct ask_params *ask,
               const struct lodge_error *err);

#endif
