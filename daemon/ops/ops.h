/*
 * ops: operations: changes that touch SQLite, libvirt and disks together and never leave them
 * apart.
 *
 * Loop-only. A call is answered when its operation is on record, or with `wait` when it has ended;
 * a client that hangs up changes nothing.
 */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include "lodge/op.h"
#include "lodge/quota.h"
#include "ops/plan.h"
#include "registry/registry.h"

struct fleet;
struct ops;
struct recall;

/* All there are; NULL after the last. */
struct recipe;
extern const struct recipe *const all_recipes[];

/* `recipes` is borrowed. `per_hour`: operations that a user may begin; admins as many as they like.
 * Until the fleet has a store every change is refused but an admin's vm.stop. */
struct ops *ops_new(struct fleet *fleet, const struct recipe *const *recipes, unsigned per_hour);

struct fleet *ops_fleet(const struct ops *ops);

/* Once, when there is a store. What a kill has left is taken up: each waits for its host's first
 * full sync. */
void ops_recover(struct ops *ops, const struct recall *recall);

/* After fleet_close(): everybody who waits is told that lodged leaves. What is out in a call stays
 * behind, and its journal with it. */
void ops_close(struct ops *ops);

struct op_answer {
    int64_t op;
    const char *uuid;
    const char *result;              /* its own, a JSON object; NULL: none, or it has not ended */
    const struct lodge_error *error; /* NULL: it has begun, or with `wait` is done */
    bool began; /* it is in the journal, and so is the call's row of the audit */
};
typedef void op_answer_fn(void *data, const struct op_answer *answer);

struct op_ask {
    const char *kind; /* the method */
    const char *host;
    const char *uuid; /* NULL: a new one is made */
    struct viewer viewer;
    pid_t pid;
    struct plan *plan;        /* its members are taken over */
    const char *request_id;   /* or NULL */
    const char *request_hash; /* its other parameters */
    const char *asked;        /* of them what the audit keeps, or NULL */
    bool wait;
    int64_t timeout_ms;                /* of the wait; LODGE_UNKNOWN: none */
    const struct lodge_error *refusal; /* only an operation of that request_id is asked for (its VM
                                          may be gone); this is the answer if there is none */
    op_answer_fn *answer;
    void *data;
};

/* `answer` comes exactly once, now or later. Access, state and revision have been looked at in this
 * turn of the loop. */
void ops_ask(struct ops *ops, struct op_ask *ask);

/* op.cancel. NOT_FOUND when it is not live, CONFLICT when it is past its point of no return and
 * goes on; one that cannot go on is given up, by admins only (DENIED) where it may leave something.
 * `*ret_changed` is false when it was cancelled already. */
bool ops_cancel(struct ops *ops, int64_t op, bool is_admin, bool *ret_changed,
                struct lodge_error *err) LODGE_MUST_CHECK;

/* Whether the VM is being deleted and the deletion cannot go on, with nothing but files to remove:
 * then vm.forget gives that up, and is answered with it. */
bool ops_may_forget(struct ops *ops, const char *host, const char *uuid);

/* For what leaves rows without being an operation: whether the caller may begin one more within
 * this hour (TOO_MANY), and that it was done. */
bool ops_may_begin(struct ops *ops, const struct viewer *viewer, struct lodge_error *err)
    LODGE_MUST_CHECK;
void ops_count(struct ops *ops, uid_t uid);

/* A reload. */
void ops_set_per_hour(struct ops *ops, unsigned per_hour);

/* op.get with wait: false if it is not live. */
bool ops_wait(struct ops *ops, int64_t op, int64_t timeout_ms, op_answer_fn *answer, void *data);

#ifdef LODGE_FAILPOINTS
/* On stdout, one a line, from the recipes: the tests' list of what to break. */
void recipes_print_fail_points(void);
#endif

/* What it shows of each operation that is under way, in no order. */
typedef void ops_shown_fn(void *data, const struct lodge_op *facts);
void ops_each(const struct ops *ops, ops_shown_fn *take, void *data);

/* From time to time: what came late of an undone creation, and rows that could not follow libvirt.
 */
void ops_look_again(struct ops *ops);

#endif
