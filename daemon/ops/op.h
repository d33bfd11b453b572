/*
 * op: one operation, and the recipes that operations follow.
 *
 * A recipe reads from top to bottom: each step says what it does, what undoes it, and where its
 * calls go. The worker (op_worker.c) journals a step before it acts, so that whoever comes after a
 * kill knows what may have happened; every `run` and `undo` therefore looks before it acts, and may
 * be run again.
 *
 * An operation is the loop's between jobs and one worker's during a job: `out` says which. What
 * both need at once is atomic.
 */
#ifndef OPS_OP_H
#define OPS_OP_H

#include "buffer.h"
#include "fleet.h"
#include "host/guest/domain.h"
#include "host/storage/storage.h"
#include "index.h"
#include "loop/workers.h"
#include "ops/ops.h"
#include "ops/plan.h"
#include "store/ops.h"

#include <stdatomic.h>

struct op;
struct uses;

enum step_where {
    ON_STORE,  /* needs no host */
    ON_HOST,   /* the `ops` connection */
    ON_RESCUE, /* virDomainDestroy only */
};

enum step_end {
    STEP_DONE,
    STEP_WAIT,   /* for `happened`, until a deadline; no worker is held */
    STEP_FAILED, /* op.error says why; what the step began is undone with the others */
    STEP_LOST, /* the host went away: whether it happened is unknown; look again when it is back */
    STEP_STALLED,   /* the store did not take the journal's line: nothing was done; try again */
    STEP_CANCELLED, /* asked to stop, between steps */
    STEP_ASK, /* it must know who uses which files (op.uses), or know it anew; then it is run again
               */
};

enum wait_end { WAIT_ON, WAIT_OVER, WAIT_FAILED };

struct step {
    const char *name; /* in journals: never renamed */
    enum step_where where;
    bool (*skips)(const struct op *op); /* whether this one has nothing to do there */
    void (*prepare)(struct op *op);     /* on the loop, right before; what only the loop knows */
    bool (*asks)(const struct op *op);  /* whether it will want op.uses: asked at once, and not when
                                           it says STEP_ASK */
    /* On the worker, each time the step begins, before the journal says so and has what it found.
     */
    bool (*look)(struct op *op, struct host_conn *conn);
    enum step_end (*run)(struct op *op, struct host_conn *conn);
    bool commits;                             /* in place of run: the point of no return */
    enum wait_end (*happened)(struct op *op); /* on the loop, whenever anything changed */
    const char *awaits;                       /* what that is; NULL: as was asked */
    unsigned wait_s;                          /* 0: … */
    unsigned grace_percent;                   /* … so much of the plan's grace_s */
    bool late_is_fine;                        /* at the deadline go on; else TIMEOUT */
    bool insists; /* there is no way back: what fails is tried again until it works */
    enum step_where undo_where;
    enum step_end (*undo)(struct op *op, struct host_conn *conn);
};

struct recipe {
    const char *kind; /* the method */
    const struct step *steps;
    size_t count;
    enum vm_effect begins, commits;
    bool undoes;        /* what fails or is cancelled before the commit is undone */
    bool can_cancel;    /* before the commit */
    bool starts;        /* a guest: a vm.stop beside it stops what it still starts too */
    bool stops_others;  /* vm.stop: claims nothing, cancels what has the VM */
    bool ends_deletion; /* vm.forget: one that stands still is given up */
    bool of_strays;   /* its files are nobody's: young ones may be what another lodged is making */
    bool reads_after; /* its VM is read anew before it ends: the next vm.get has what was done */
    /* On the loop, when it has failed: adds to op.error what was done nevertheless. */
    void (*fails)(struct op *op);
    /* On the worker, before anything is written; its error is the call's. */
    bool (*check)(struct op *op, struct host_conn *conn);
    /* What becomes of the row; fills `row` for VM_SETTLE. */
    enum vm_effect (*ends)(const struct op *op, enum lodge_op_state state, struct vm_row *row);
};

enum op_phase {
    OP_MOVING,     /* a job is out, or about to be */
    OP_WAITING,    /* for an event */
    OP_NEEDS_HOST, /* goes on when its host has been read */
    OP_RETRIES,    /* at `retry_at` */
    OP_ASKS,       /* who uses which files: gathers (not `out`), or waits for the answer */
    OP_READS,      /* its VM, at the end of a recipe that reads_after */
    OP_CLOSING,    /* its last transaction */
};

/* Who may give it up where it stands. */
enum may_give_up { GIVE_UP_NOBODY, GIVE_UP_OWNERS, GIVE_UP_ADMINS };

/* Of a job that is out: it waits, or is with a worker. */
enum turn { TURN_NONE, TURN_WAITS, TURN_TAKEN };
enum { TRACE_KEPT = 32 };

struct waiter {
    struct waiter *next;
    op_answer_fn *answer;
    void *data;
    bool until_end;
    bool
        began_it; /* the call that the operation is of: its audit row is in the first transaction */
    uint64_t deadline; /* monotonic; 0: none */
};

struct op {
    struct index_link by_vm; /* in ops.by_vm */
    struct op *next;         /* in ops.live */
    struct ops *ops;
    const struct recipe *recipe;
    struct host *host; /* NULL: not configured (any more) */
    char *host_name;
    char uuid[37];
    uid_t uid;
    pid_t pid;
    bool is_admin;
    char *request_id;
    char *request_hash;
    char *for_audit;            /* what was asked, or NULL */
    struct lodge_error refusal; /* of one that only asks for its request_id's */

    /* The holder's: the loop's, or the worker's while `out`. */
    struct plan plan;
    bool plan_changed;      /* the journal's copy is older */
    int64_t id;             /* 0 until it has begun; negative: not journalled */
    bool known;             /* the request_id's operation of before: this one never began */
    struct op_begun record; /* what the store said of it */
    int64_t spare_id;       /* negative, for one that cannot be journalled */
    bool begun;             /* the loop's: `id` may be read by it */
    ssize_t at;             /* the step; -1: all undone */
    bool noted;             /* the step `at` is in the journal */
    bool may_have_run;      /* its run may have begun before */
    bool is_looked;         /* delete: what is left behind was looked for, by this lodged */
    bool undoing;
    bool committed;
    bool recovered;    /* taken up from a journal */
    bool is_given_up;  /* its undo: what may be left of it is not looked out for */
    bool is_untouched; /* create: it failed before anything was made: there is nothing to undo */
    bool left_alone;   /* of a database that was put back: ends as it is */
    bool closed;       /* its last transaction is written */
    enum step_end end;
    struct lodge_error error;   /* of the last step */
    struct lodge_error failure; /* what it ends with */
    bool was_cancelled;
    char *result;   /* a JSON object with members, or NULL */
    bool has_notes; /* the plan's are in it */

    atomic_bool cancelled; /* set by the loop, read between steps and while disks are copied */

    /* The loop's. */
    struct registry_op *shown;
    enum op_phase phase;
    bool out;              /* its job is, or waits for its turn */
    enum turn turn;        /* turns.c */
    uint64_t sent_at;      /* monotonic ms: when it took that */
    enum step_where where; /* of that job */
    int64_t counted_ms;    /* monotonic: when it was counted (rate.h); 0: it was not */
    bool answered;         /* those who wait for the beginning */
    bool is_debris;        /* of an undone creation: undone again, not journalled */
    struct uses *uses;     /* held for the job that asked, which reads them … */
    struct uses *own_uses; /* … or what the job has read itself */
    unsigned asked;        /* how often this step did */
    uint64_t deadline;
    uint64_t retry_at;
    unsigned retry_ms;            /* 0: it is not tried again */
    char *retry_reason;           /* what went wrong, while it is */
    int retry_step;               /* `showing` then */
    enum may_give_up may_give_up; /* as it was when it was last seen to stand still */
    bool forgets;  /* … and whether that takes a VM's row of which only files may be left */
    bool gives_up; /* as soon as its job is back, if that has brought nothing */
    uint64_t starts, reboots; /* the VM's, when the job was sent … */
    int64_t seen_run;         /* … and what the registry knew it to run as */
    bool takes_any;           /* vm.stop beside another: what that starts is stopped too */
    bool is_behind;           /* the registry: the job saw another run than it knows (op_wait.c) */
    bool is_late;             /* its deadline has passed: judged when its VM has been read */
    uint64_t reading;         /* the number of the reading that it waits for; 0: none */
    unsigned readings;        /* that libvirt was too slow for, in a row */
    bool is_read;             /* at its end: asked for … */
    struct {
        int64_t vcpus, memory_mib; /* … and what libvirt has; 0: not known */
        char *name;
    } seen;
    uint64_t wait_ms;
    int64_t as_of;    /* plan.run, as it was asked for */
    bool has_started; /* vm.start: it was seen to */
    bool is_restored; /* vm.start: from a managed save, which may be of a paused guest */
    struct waiter *waiters;
    struct postponed *postponed; /* stops of a later run, asked again when this one has ended */
    struct host_task task;
    struct job job;
    struct letter begun_letter;
    struct letter step_letter;
    atomic_bool step_letter_out;
    atomic_int showing; /* the step that the worker is at … */
    atomic_uint traced; /* … how many it was at, back and forth … */
    atomic_uchar
        trace[TRACE_KEPT]; /* … and the last of them: several may be before anybody looks */
    unsigned logged;       /* so many of them are told; the loop's */
};

enum { OPS_SHOWN = 256 };

struct ops {
    struct fleet *fleet;
    struct loop *loop;         /* its … */
    struct registry *registry; /* … and its */
    const struct recipe *const *recipes;
    /* Of each of its hosts: what it shows of the database's age has been looked at (restored.c). */
    bool *met;
    size_t met_count;
    unsigned per_hour;
    struct workers *workers; /* for the store's part of operations */
    struct rate *rate;
    size_t waiting_turns;  /* operations whose job waits for its turn */
    uint64_t turns_passed; /* monotonic ms: when all of them were last asked whether they may go */
    struct op *live;
    struct index by_vm;
    struct registry_reader reader;
    struct loop_timer *timer;
    struct loop_later look;
    int64_t last_unjournalled;
    struct registry_op *ended[OPS_SHOWN]; /* a ring of those that ended last */
    size_t ended_next;
    atomic_int_least64_t last_op; /* the largest number of an operation that was begun */
    struct guard *guards;         /* undone creations that are kept */
    uint64_t last_reading;
    size_t followed;       /* VMs whose rows are being brought up to libvirt (reconcile.c) */
    uint64_t differs_seen; /* registry_differs() when all were looked at */
    uint64_t added_seen;   /* registry_added() when guards were last looked at */
    bool guards_grew;      /* one was added since: its domain may be here already */
};

/* As a recipe's check: a transient domain has no definition that could be changed or kept. On a
 * worker. UNSUPPORTED. */
bool op_check_persistent(struct op *op, struct host_conn *conn) LODGE_MUST_CHECK;

/* "NAME":[…], for a result. */
void op_write_list(struct buffer *result, const char *name, const struct lodge_strings *list);

/* For who asked, in the result of an operation that ends well: what was not as they may think. */
void op_note(struct op *op, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The end of a step whose call went `ok`. */
enum step_end op_end(struct op *op, bool ok);

/* A failure of the operation itself. */
enum step_end op_fail(struct op *op, enum lodge_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A job's: who uses which files. What was asked for it (NULL: nothing was, or it is out of date and
 * must be asked anew: STEP_ASK); of a host where every answer is out of date by then, what it reads
 * itself (`*ret_own`). False with op.error. */
bool op_uses(struct op *op, struct host_conn *conn, const struct uses **ret_uses, bool *ret_own);

const struct storage_place *op_place(const struct op *op);
struct vm *op_vm(const struct op *op); /* NULL if neither row nor domain is known; loop only */

/* Where it stands in its recipe. The holder's. */
const struct step *op_step(const struct op *op);
bool op_is_over(const struct op *op);
enum step_where op_lane(const struct op *op);
bool op_wants_to_stop(struct op *op);
void op_move_on(struct op *op);     /* to the next step forward, or back that has an undo */
void op_turn_back(struct op *op);   /* from `failure`, which the journal gets: undone from now on */
void op_leave_alone(struct op *op); /* it ends as failed, nothing of it is undone or gone on with */
ssize_t last_undo(const struct recipe *recipe);

enum lodge_op_state op_final_state(const struct op *op);

/* What becomes of the row of its VM; fills `row` for VM_SETTLE. */
enum vm_effect op_effect(const struct op *op, struct vm_row *row);

/* The row that it inserts or charges, or at its `end` settles; `*ret_disks` is freed by the caller.
 */
void op_fill_row(const struct op *op, bool end, struct vm_row *row, struct disk_row **ret_disks);

bool op_host_is_read(const struct op *op);       /* loop only */
void ops_note_last(struct ops *ops, int64_t id); /* any thread */

/* op_worker.c */
void op_worker_run(struct op *op, struct host_conn *conn); /* on a worker */

/* op_loop.c. Loop only. */
void op_start(struct op *op); /* first job, or the next */
void op_came_back(struct op *op, bool ran);
void op_answered(void *op, struct uses *uses, const struct lodge_error *error); /* as uses_fn */
void op_failed(struct op *op);    /* with op.error: back, or tried again, or to its end */
void op_lost(struct op *op);      /* whether it happened is seen when the host is back */
void op_cancel(struct op *op);    /* sets the flag; what waits ends at once */
void op_pass_turn(struct op *op); /* those are sent who wait for the same workers and may go */

/* turns.c. Loop only. Whether its job, which is `out`, may go now, or waits; and whose waiting job
 * to the same workers may go (NULL: nobody's). */
bool turn_take(struct op *op) LODGE_MUST_CHECK;
struct op *turn_next(const struct op *other);
bool turn_is_same(const struct op *op, const struct op *other); /* their workers are */

/* Monotonic ms: when it, or somebody else if its job is still out, may go at last; 0: not by time.
 */
uint64_t turns_next(const struct op *op);

/* op_wait.c: for events. Loop only. */
void op_wait_begin(struct op *op); /* of its step */
void op_wait_forget(struct op *op);
void op_wait_read(struct op *op); /* its VM is read anew; OP_READS: then op_start() again */
void op_look(struct op *op);      /* something changed: does it go on? */
void op_tick(struct op *op, uint64_t now);

/* op_reason.c. Loop only; the caller frees. */
char *op_reason(const struct op *op); /* why it waits; NULL: it does not */
char *op_reason_to_retry(const struct op *op);

/* give_up.c. Loop only; of one that is not `out`, but for give_up_is_allowed(). */
enum may_give_up give_up_right(const struct op *op);
bool give_up_forgets(const struct op *op); /* a deletion of which only files may be left */
void give_up_now(struct op *op);           /* op_start() is to follow */
/* Whether who asks for it may. DENIED. */
bool give_up_is_allowed(const struct op *op, bool is_admin, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* op_table.c. Loop only. */
struct op *ops_holder(struct ops *ops, const char *host, const char *uuid);  /* not vm.stop's … */
struct op *ops_stop_of(struct ops *ops, const char *host, const char *uuid); /* … which this is */
struct op *ops_find(struct ops *ops, int64_t id);                            /* begun and live */
const struct recipe *ops_recipe(const struct ops *ops, const char *kind); /* NULL: there is none */
struct op *ops_add(struct ops *ops, const struct recipe *recipe, const char *host,
                   const char *uuid);
void op_free(struct op *op);
void ops_set_timer(struct ops *ops); /* for whichever is due first */

/* postponed.c. Loop only. */
typedef void ops_ask_fn(struct ops *ops, struct op_ask *ask);
/* Until `stop` has ended; then it is asked again. */
void ops_postpone(struct op *stop, struct op_ask *ask, ops_ask_fn *ask_again);
void ops_ask_postponed(struct ops *ops, struct postponed *postponed); /* gives them away */

/* op_shown.c */
void ops_begun(struct op *op);                  /* who waits for the beginning is answered */
void ops_ended(struct ops *ops, struct op *op); /* everybody is; it is freed */
void op_stand(struct op *op);                   /* where it stands, of one that is not `out` */
void op_show(struct op *op);                    /* in the feed */
void op_show_recovered(struct op *op, int64_t started_at);

/* recover.c: what comes late of an undone creation (guards.h) is undone again. Loop only. */
void ops_look_for_debris(struct ops *ops);       /* has a domain turned up? */
void ops_look_again_for_debris(struct ops *ops); /* has a volume? */

/* restored.c */
void ops_meet_hosts(struct ops *ops); /* does one that has been read show what the store lacks? */
bool ops_has_met(const struct ops *ops, const struct fleet_host *host);

/* waiters.c: calls that wait, or are refused at once. */
void op_refuse(const struct op_ask *ask, const struct lodge_error *err);
void waiters_add(struct op *op, op_answer_fn *answer, void *data, bool until_end,
                 int64_t timeout_ms);
void waiters_tell(struct op *op, bool ended, const struct op_answer *answer);
void waiters_tick(struct op *op, uint64_t now);
uint64_t waiters_next(const struct op *op); /* 0: none has a deadline */

#endif
