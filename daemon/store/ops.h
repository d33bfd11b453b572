/*
 * ops: the journal of operations. What is written here is on disk when the function returns: a kill
 * at any instruction after it finds it.
 *
 * Blocks: for workers. Step names and journal members are a contract like the schema: added, never
 * renamed, so that a newer lodged can finish an older one's operations.
 */
#ifndef STORE_OPS_H
#define STORE_OPS_H

#include "lodge/op.h"
#include "store/vms.h"

/* What an operation does to the row of its VM, in the transaction that begins, commits or ends it.
 */
enum vm_effect {
    VM_KEEP,
    VM_INSERT,   /* begin: `vm` as it is to be, phase creating, after the quotas are checked */
    VM_ADOPT,    /* begin: the same, phase ready; ends the guard over an undone creation */
    VM_CHARGE,   /* begin: vcpus, memory_mib and disks' sizes rise to `vm`'s, after the quotas are
                    checked */
    VM_DELETING, /* begin: phase deleting */
    VM_READY,    /* commit or end: phase ready */
    VM_SETTLE,   /* end: name, vcpus, memory_mib, disks' sizes become `vm`'s; phase ready */
    VM_ERROR,    /* end: phase error */
    VM_REMOVE,   /* end: the row goes with its disks and NICs: the quota is free */
};

struct op_begin {
    const char *kind; /* the method's name */
    const char *host;
    const char *uuid;
    const char *vm_name;
    const char *new_name; /* reserved from now on until it ends; NULL: it keeps its name */
    uid_t uid;
    pid_t pid;
    bool is_admin; /* others must own the VM's row (NOT_FOUND) and not be viewers (DENIED) */
    int64_t at_ms;
    const char *step;         /* the recipe's first */
    const char *journal;      /* JSON: what undo and recovery need */
    const char *request_id;   /* NULL without; per uid and kind */
    const char *request_hash; /* of the other parameters */
    const char *asked;        /* for the audit, or NULL */
    enum vm_effect effect;
    const struct vm_row *vm; /* VM_INSERT, VM_ADOPT, VM_CHARGE */
    /* Limits where none are stored, from the configuration. */
    struct lodge_amounts system_limits, user_limits;
};

struct op_begun {
    int64_t id;
    bool known;    /* the request_id's operation of before: nothing was written */
    char uuid[37]; /* its VM's */
};

/* Step one of every operation, one BEGIN IMMEDIATE: request_id (CONFLICT with other parameters),
 * owner and role, the quotas of system and owner by sums (QUOTA_EXCEEDED, only for what grows), the
 * VM's row with disks and NICs (EXISTS for a name in use on that host, CONFLICT for a MAC or uuid),
 * the operation (BUSY with err->op when the VM has one that has not ended; "vm.stop" collides only
 * with another "vm.stop"), its first step in the log, audit. On failure nothing was written. */
bool store_begin_op(struct store *store, const struct op_begin *begin, struct op_begun *ret_begun,
                    struct lodge_error *err) LODGE_MUST_CHECK;

/* What makes two calls the same, and what they then must agree in. */
struct op_request {
    uid_t uid;
    const char *kind;
    const char *request_id;
    const char *request_hash;
};

/* By request_id alone; id 0 in `ret_begun` if there is none. CONFLICT with other parameters. */
bool store_find_request(struct store *store, const struct op_request *request,
                        struct op_begun *ret_begun, struct lodge_error *err) LODGE_MUST_CHECK;

/* Before a step acts: step and state are on disk. `journal` NULL leaves it as it was. The step is
 * added to the operation's log. */
bool store_note_step(struct store *store, int64_t id, const char *step, enum lodge_op_state state,
                     const char *journal, int64_t at_ms, struct lodge_error *err) LODGE_MUST_CHECK;

/* Past the point of no return, with VM_READY or VM_KEEP: only forward from here. */
bool store_commit_op(struct store *store, int64_t id, const char *step, enum vm_effect effect,
                     int64_t at_ms, struct lodge_error *err) LODGE_MUST_CHECK;

struct op_end {
    enum lodge_op_state state;       /* DONE, FAILED or CANCELLED */
    const struct lodge_error *error; /* FAILED, CANCELLED */
    const char *result;              /* JSON object of its own result, or NULL */
    enum vm_effect effect;
    const struct vm_row *vm; /* VM_SETTLE */
    bool left_alone;         /* as `restored` of struct op_row, from now on */
    int64_t at_ms;
};

/* Ends it, and what becomes of the VM's row, in one transaction. */
bool store_end_op(struct store *store, int64_t id, const struct op_end *end,
                  struct lodge_error *err) LODGE_MUST_CHECK;

/* What was undone, and has come to life since, is not undone again. */
bool store_leave_op(struct store *store, int64_t id, struct lodge_error *err) LODGE_MUST_CHECK;

/* The same for all that is unfinished or guarded: a host shows that this database is older than
 * what lodged has done since. `newest` is the last operation that was seen there; numbers go on
 * after it. */
bool store_leave_all(struct store *store, int64_t newest, struct lodge_error *err) LODGE_MUST_CHECK;

/* Who has begun operations since then, the newest first. */
typedef void store_begun_fn(void *data, uid_t uid, int64_t started_ms);
bool store_read_begun(struct store *store, int64_t since_ms, store_begun_fn *each, void *data,
                      struct lodge_error *err) LODGE_MUST_CHECK;

/* The number of the last operation that was begun; 0: none. */
bool store_read_last_op(struct store *store, int64_t *ret_id, struct lodge_error *err)
    LODGE_MUST_CHECK;

struct op_row {
    int64_t id;
    const char *kind, *host, *uuid, *vm_name;
    uid_t uid;
    enum lodge_op_state state;
    const char *step;
    const char *journal;
    const char *result; /* NULL without */
    bool committed;
    bool restored; /* left alone: was unfinished, or undone, in a database that was put back; or its
                      guest has run. Never undone, nor gone on with */
    enum lodge_error_kind error_kind; /* NONE unless it failed or was cancelled */
    const char *error;
    int64_t started_ms, ended_ms; /* 0: it has not ended */
    const struct lodge_op_step *steps;
    size_t step_count;
};
typedef void store_op_fn(void *data, const struct op_row *row);

/* Those that have not ended, oldest first. At start, and when a host has been read. */
bool store_read_unfinished(struct store *store, store_op_fn *each, void *data,
                           struct lodge_error *err) LODGE_MUST_CHECK;

/* One; *ret_found false when there is none of that number. */
bool store_read_op(struct store *store, int64_t id, store_op_fn *each, void *data, bool *ret_found,
                   struct lodge_error *err) LODGE_MUST_CHECK;

/* Newest first, below `before` (0: from the newest), at most `limit`, without steps. `uid`, `host`
 * with `uuid`, and `state` (UNKNOWN: any) choose. */
struct op_choice {
    const uid_t *uid;   /* NULL: everybody's */
    const uid_t *owner; /* with uid and no uuid: of VMs that are this user's now; NULL: of all */
    const char *host;   /* NULL: all */
    const char *uuid;   /* NULL: all; with host */
    enum lodge_op_state state;
    int64_t before;
    int64_t limit;
};
bool store_list_ops(struct store *store, const struct op_choice *choice, store_op_fn *each,
                    void *data, struct lodge_error *err) LODGE_MUST_CHECK;

/* Creations that were undone and are still kept: what turns up of them is their debris, but of
 * those that are left alone. */
bool store_read_guarded(struct store *store, const char *host, store_op_fn *each, void *data,
                        struct lodge_error *err) LODGE_MUST_CHECK;

/* Audit rows, newest first, below `before` (0: from the newest). */
struct audit_choice {
    const uid_t *uid;
    const char *target; /* NULL: all */
    int64_t since_ms;
    int64_t before;
    int64_t limit;
};
struct audit_entry {
    int64_t id;
    int64_t at_ms;
    uid_t uid;
    pid_t pid;
    const char *method, *target, *result, *error; /* error NULL when it was done */
    int64_t times;
    const char *params; /* or NULL */
    int64_t op;         /* 0: none */
};
typedef void store_audit_fn(void *data, const struct audit_entry *entry);
bool store_list_audit(struct store *store, const struct audit_choice *choice, store_audit_fn *each,
                      void *data, struct lodge_error *err) LODGE_MUST_CHECK;

/* Deletes ended operations, audit rows and sessions older than these times, the oldest 1,000 of
 * each at most, in a transaction for each; *ret_more: some may be left. */
bool store_forget_old(struct store *store, int64_t ops_before_ms, int64_t audit_before_ms,
                      bool *ret_more, struct lodge_error *err) LODGE_MUST_CHECK;

/* A consistent copy of the database beside it, on a read connection of its own: writers go on.
 * What is unfinished in the copy is marked `restored` there, and so is what was undone. The newest
 * COPIES_KEPT stay. The caller frees *ret_path. */
bool store_make_backup(struct store *store, int64_t now_ms, char **ret_path, int64_t *ret_bytes,
                       struct lodge_error *err) LODGE_MUST_CHECK;

#endif
