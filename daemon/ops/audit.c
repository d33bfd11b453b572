/*
 * audit: a note has copies of its texts and goes to the one worker there is, so that rows stay in
 * the order of the calls. What could not be written is said in the log when the note comes back, to
 * be freed on the loop.
 */
#include "ops/audit.h"

#include "log.h"
#include "loop/workers.h"
#include "memory.h"
#include "store/store.h"

#include <stdlib.h>

enum { AUDIT_IDLE_MS = 10000, FAREWELL_MS = 700 };

struct audit {
    struct loop *loop;
    struct store *store;
    struct workers *workers; /* one: rows stay in the order of the calls */
};

struct note {
    struct job job; /* first */
    struct store *store;
    struct audit_row row;
    char *target;
    const char *method; /* a table's */
    struct lodge_error refused;
    struct lodge_error err; /* of the writing */
};

struct audit *audit_new(struct loop *loop)
{
    struct audit *audit = xcalloc(1, sizeof *audit);
    audit->loop = loop;
    audit->workers = workers_new(loop, "audit", 1, AUDIT_IDLE_MS);
    return audit;
}

void audit_take_store(struct audit *audit, struct store *store)
{
    audit->store = store;
}

bool audit_finish(struct audit *audit)
{
    bool finished = workers_finish(audit->workers, FAREWELL_MS);
    if (!finished) {
        log_warning(LOG_OPS, "%u rows are not in the audit: lodged leaves",
                    workers_waiting(audit->workers));
    }
    return finished;
}

static void note_run(struct job *job)
{
    struct note *note = (struct note *)job;
    if (note->store == NULL) {
        (void)lodge_fail(&note->err, LODGE_ERROR_STORE_UNAVAILABLE, "there is no store");
    } else if (!store_add_audit(note->store, &note->row, 1, &note->err)) {
        (void)lodge_fail_in(&note->err, "not in the audit");
    }
}

static void note_deliver(struct letter *letter)
{
    struct note *note = (struct note *)letter;
    if (atomic_load(&note->job.cancelled)) {
        (void)lodge_fail(&note->err, LODGE_ERROR_CANCELLED, "lodged is leaving");
    }
    if (note->err.kind != LODGE_ERROR_NONE) {
        log_error(LOG_OPS, "uid %u called %s %s(%s): %s", (unsigned)note->row.uid, note->method,
                  note->target, note->refused.kind == LODGE_ERROR_NONE ? "done" : "refused",
                  note->err.message);
    }
    free(note->target);
    free(note);
}

void audit_note(struct audit *audit, uid_t uid, pid_t pid, const char *method, const char *target,
                const struct lodge_error *err)
{
    struct note *note = xcalloc(1, sizeof *note);
    note->job.run = note_run;
    note->job.letter.deliver = note_deliver;
    note->store = audit->store;
    note->target = xstrdup(target);
    note->method = method;
    if (err != NULL) {
        note->refused = *err;
    }
    note->row = (struct audit_row){
        .at_ms = loop_wall_ms(),
        .uid = uid,
        .pid = pid,
        .method = method,
        .target = note->target,
        .result = note->refused.kind,
        .error = err == NULL ? NULL : note->refused.message,
    };
    workers_submit(audit->workers, &note->job);
}
