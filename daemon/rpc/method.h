/*
 * method: one row per JSON-RPC method. Dispatch, access, rpc.discover, the manual and the test
 * matrix are made from the rows, so that none of them can disagree with another.
 */
#ifndef RPC_METHOD_H
#define RPC_METHOD_H

#include "registry/access.h"
#include "rpc/call.h"
#include "rpc/seats.h"

struct method {
    const char *name;
    enum access access;
    bool mutates;        /* every call of it, refused or not, is a row of the audit */
    bool reads_first;    /* its VM is read anew before it runs: it rests on the definition */
    enum seat_kind seat; /* where it waits for its turn, if it costs more than memory … */
    bool (*is_cheap)(const struct call *call, const void *params); /* … which this one does not */
    bool is_long;               /* its parameters live until it has answered (call_work()) */
    const struct field *params; /* NULL: it takes none */
    size_t params_size;         /* of the struct that `params` fills, at most METHOD_PARAMS_MAX */
    const struct field *result; /* for the documentation; NULL: {} or an object of its own */
    void (*run)(struct call *call, const void *params); /* answers exactly once, now or later */
    const char *help;
};

enum { METHOD_PARAMS_MAX = 512 };

/* Tables are each closed by an empty row, and their list by a NULL. These are lodged's. */
extern const struct method *const method_tables[];
extern const struct method server_methods[];
extern const struct method host_methods[];
extern const struct method vm_methods[];
extern const struct method event_methods[];
extern const struct method change_methods[];
extern const struct method create_methods[];
extern const struct method update_methods[];
extern const struct method op_methods[];
extern const struct method quota_methods[];
extern const struct method user_methods[];
extern const struct method audit_methods[];
extern const struct method offer_methods[];
extern const struct method console_methods[];

/* NULL if there is none. */
const struct method *method_find(const struct method *const *tables, const char *name);

/* Whether every row has a name, access, help and a handler. For the start and for the tests. */
bool methods_check(const struct method *const *tables, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
