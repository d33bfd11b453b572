/*
 * lodge_op: an operation: a change that is journalled, and finished or undone whatever happens (RPC
 * `op.get`, `op.list`).
 */
#ifndef LODGE_OP_H
#define LODGE_OP_H

#include "lodge/error.h"
#include "lodge/strings.h"
#include "lodge/vm.h"

enum lodge_op_state {
    LODGE_OP_UNKNOWN,
    LODGE_OP_RUNNING,
    LODGE_OP_WAITING, /* for an event, for a host to come back, or for a call to return */
    LODGE_OP_UNDOING,
    LODGE_OP_DONE,
    LODGE_OP_FAILED,
    LODGE_OP_CANCELLED,
    LODGE_OP_STATES,
};

/* A line of its log: a step that began. */
struct lodge_op_step {
    char *name;
    int64_t at;
};

struct lodge_op {
    int64_t id;
    char *kind; /* the method: vm.create, vm.start, … */
    char *host;
    char uuid[37];
    char *vm; /* its name when the operation began */
    char *user;
    enum lodge_op_state state;
    char *step;
    struct {
        struct lodge_op_step *items;
        size_t count;
    } steps;
    enum lodge_flag can_cancel;
    struct lodge_op_error { /* of one that failed or was cancelled */
        char *kind;
        char *message;
    } error;
    char *reason;               /* why it waits; NULL: it does not */
    struct lodge_strings notes; /* what whoever asked should know of it */
    struct lodge_op_progress {
        int64_t done, total; /* steps */
        char *unit;
    } progress;
    int64_t started_at;
    int64_t ended_at; /* 0: it has not */
};

const char *lodge_op_state_name(enum lodge_op_state state); /* "unknown" for 0 */

#endif
