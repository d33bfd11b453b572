/*
 * lodge_error: why a call failed, said once, where it happened.
 *
 * Lives on the caller's stack and never allocates, so that running out of memory can be reported
 * too. `kind` is for programs (it becomes the JSON-RPC code and `data.kind`), `message` for people:
 * what was tried, on what, what happened, what to do. Zeroed means no error.
 */
#ifndef LODGE_ERROR_H
#define LODGE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#define LODGE_MUST_CHECK __attribute__((warn_unused_result))

/* The first five are JSON-RPC 2.0's own, those up to UNSUPPORTED are lodge's, the last two never
 * travel: they are what a program finds out by itself. */
enum lodge_error_kind {
    LODGE_ERROR_NONE,
    LODGE_ERROR_PARSE,             /* -32700 */
    LODGE_ERROR_REQUEST,           /* -32600 */
    LODGE_ERROR_METHOD,            /* -32601 */
    LODGE_ERROR_PARAMS,            /* -32602 */
    LODGE_ERROR_INTERNAL,          /* -32603 */
    LODGE_ERROR_NOT_FOUND,         /* -32001 */
    LODGE_ERROR_EXISTS,            /* -32002 */
    LODGE_ERROR_DENIED,            /* -32003 */
    LODGE_ERROR_QUOTA_EXCEEDED,    /* -32004 */
    LODGE_ERROR_BAD_STATE,         /* -32005 */
    LODGE_ERROR_HOST_DOWN,         /* -32006: when a call was out, its outcome is unknown */
    LODGE_ERROR_TIMEOUT,           /* -32007 */
    LODGE_ERROR_CANCELLED,         /* -32008 */
    LODGE_ERROR_BUSY,              /* -32009 */
    LODGE_ERROR_TOO_MANY,          /* -32010 */
    LODGE_ERROR_STORE_UNAVAILABLE, /* -32011 */
    LODGE_ERROR_CONFLICT,          /* -32012 */
    LODGE_ERROR_HYPERVISOR,        /* -32013 */
    LODGE_ERROR_UNRESPONSIVE,      /* -32014 */
    LODGE_ERROR_UNSUPPORTED,       /* -32015 */
    LODGE_ERROR_INVALID,           /* a file, flag or argument of this program is wrong */
    LODGE_ERROR_UNREACHABLE,       /* no daemon answers, or the connection to it broke */
    LODGE_ERROR_KINDS,
};

struct lodge_error {
    enum lodge_error_kind kind;
    char message[512];
    char param[48];   /* PARAMS: the parameter that is wrong, or empty */
    int column;       /* PARAMS and INVALID of a query: where in its text, from 1; 0 is nowhere */
    int64_t since_ms; /* UNRESPONSIVE, HOST_DOWN: since when, ms since 1970, or 0 */
    int64_t op;       /* BUSY, TIMEOUT, and whatever an operation ended with: its number, or 0 */
    bool op_ended;    /* the operation itself ended so, not the wait for it */
    char state[16];   /* BAD_STATE: the VM's state, or empty */
    struct {          /* QUOTA_EXCEEDED; empty words otherwise */
        char resource[16]; /* vms, vcpus, memory_mib, disk_gib */
        char scope[8];     /* system, user */
        int64_t limit, used, requested;
    } quota;
    struct {
        int code;   /* virErrorNumber, 0 when libvirt did not speak */
        int domain; /* virErrorDomain */
        char text[256];
    } libvirt;
};

/* It was dealt with: another may follow. */
static inline void lodge_error_clear(struct lodge_error *err)
{
    *err = (struct lodge_error){.kind = LODGE_ERROR_NONE};
}

/* Fills `err` and returns false, so that a failing function ends with `return lodge_fail(err, …)`.
 * `err` must hold no error yet: a second failure must not hide the first. Any thread. */
bool lodge_fail(struct lodge_error *err, enum lodge_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As lodge_fail with kind PARAMS, naming the parameter (`data.param`). Any thread. */
bool lodge_fail_param(struct lodge_error *err, const char *param, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "what we were doing: " in front of the message, keeps everything else; returns false. */
bool lodge_fail_in(struct lodge_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "not_found", "timeout", …: the word of `data.kind`. Never NULL. */
const char *lodge_error_kind_name(enum lodge_error_kind kind);

/* The JSON-RPC code of a kind; those that never travel are -32603. */
int lodge_error_code(enum lodge_error_kind kind);

/* The kind of a JSON-RPC code; INTERNAL for one that nobody knows. */
enum lodge_error_kind lodge_error_kind_from_code(int64_t code);

#endif
