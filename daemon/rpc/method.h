/*
 * method: one row per JSON-RPC method. Dispatch, access, rpc.discover, the manual and the test
 * matrix are made from the rows, so that none of them can disagree with another.
 */
#ifndef RPC_METHOD_H
#define RPC_METHOD_H

#include "registry/access.h"
#include "rpc/call.h"
#include "rpc/seats.h"

/* What a method's VM must be when the method runs. */
enum vm_need {
    VM_UNNAMED, /* its parameters name none */
    VM_SEEN,    /* one that the caller may see; or none, where the parameter was not given */
    VM_DOMAIN,  /* its host is up and has the domain, lodge's or not */
    VM_MANAGED, /* the same, and lodge has a row of it */
    VM_ROW,     /* lodge has a row of it; the host may be away */
};

struct method {
    const char *name;
    enum access access;
    const char *vm; /* the parameter that names its VM, which the gate finds and judges … */
    enum vm_need vm_need;
    bool vm_is_late;  /* … unless the handler waits for something else before: named_vm_find() */
    bool mutates;     /* every call of it, refused or not, is a row of the audit */
    bool reads_first; /* its VM is read anew before it runs: it rests on the definition */
    enum seat_kind seat; /* where it waits for its turn, if it costs more than memory … */
    bool (*is_cheap)(const struct call *call, const void *params); /* … which this one does not */
    bool is_long;               /* its parameters live until it has answered (call_work()) */
    const struct field *params; /* NULL: it takes none */
    size_t params_size;         /* of the struct that `params` fills, at most METHOD_PARAMS_MAX */
    const struct field *result; /* for the documentation; NULL: {} or an object of its own */

    /* What the table cannot say of the parameters, before the VM is looked for; NULL: nothing. */
    bool (*check)(const void *params, struct lodge_error *err);

    /* The handler, which answers exactly once, now or later: one of these two. */
    void (*run)(struct call *call, const void *params);
    void (*run_on)(struct call *call, struct vm *vm,
                   const void *params); /* … of a method with a VM */
    const char *help;
};

enum { METHOD_PARAMS_MAX = 512, METHOD_TEXT_MAX = 320 };

/* The row of the parameter that names a VM. */
#define METHOD_VM(type)                                                                          \
    {                                                                                            \
        "vm", FIELD_STRING, .offset = offsetof(type, vm), .required = true, .min = 1,            \
                            .max = METHOD_TEXT_MAX,                                              \
                            .help = "name or uuid, with HOST/ in front where that is not unique" \
    }

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

/* Of the parameters the one that is called so; NULL if the method has none. */
const void *method_param(const struct method *method, const void *params, const char *name);

/* Whether its result has a member that is called so. */
bool method_answers(const struct method *method, const char *name);

/* Whether every row has a name, access, help and a handler. For the start and for the tests. */
bool methods_check(const struct method *const *tables, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
