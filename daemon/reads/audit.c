/*
 * audit: notes wait in the order of their calls. One writing at a time takes the first of them to
 * the one worker there is, as one transaction; meanwhile refusals that are the same are summed in
 * one note, so that what waits is bounded however many calls are refused. Refusals alone that go on
 * and on are written ten times a second: a disk that is made to sync all the time has no time for
 * others.
 *
 * Notes are the loop's until a writing has them, the worker's until its letter comes back, then the
 * loop frees them. They are counted per user from the beginning to the end of that.
 */
#include "reads/audit.h"

#include "index.h"
#include "log.h"
#include "loop/pace.h"
#include "loop/workers.h"
#include "memory.h"
#include "scope.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

enum { AUDIT_IDLE_MS = 10000, FAREWELL_MS = 700, ROWS_AT_ONCE = 256 };

/* Writings of refusals alone: after a burst so far apart. */
enum { REST_MS = 100, BURST_MS = 2000 };

struct audit {
    struct loop *loop;
    struct store *store;
    struct workers *workers; /* one: rows stay in the order of the calls */
    struct note *first;      /* they wait */
    struct note **last;
    struct index refusals; /* of those, by what makes them the same */
    struct index users;    /* who has notes */
    size_t count;          /* of notes, with those that are being written */
    size_t done; /* of those who wait: they were done, and are answered when they are written */
    bool writes;
    struct loop_timer *rest;
    struct pace alone; /* of writings that have nothing else */
    audit_fn *room;
    void *room_owner;
};

struct user {
    struct index_link link; /* in audit.users */
    uid_t uid;
    size_t count; /* notes */
};

struct note {
    struct index_link link; /* in audit.refusals while a refusal waits */
    struct note *next;
    struct user *user;
    struct audit_row row;
    char *target;
    char *params;
    char *error;       /* NULL: it was done */
    audit_fn *written; /* of what was done */
    void *data;
};

struct writing {
    struct job job; /* first */
    struct audit *audit;
    struct store *store;
    struct note *notes;
    struct audit_row *rows; /* theirs */
    size_t count;
};

static void rested(void *owner);

struct audit *audit_new(struct loop *loop)
{
    struct audit *audit = xcalloc(1, sizeof *audit);
    audit->loop = loop;
    audit->workers = workers_new(loop, "audit", 1, AUDIT_IDLE_MS);
    audit->last = &audit->first;
    audit->rest = loop_timer_new(loop, rested, audit);
    index_init(&audit->refusals);
    index_init(&audit->users);
    return audit;
}

void audit_free(struct audit *audit)
{
    workers_free(audit->workers);
    loop_timer_free(audit->rest);
    index_done(&audit->refusals);
    index_done(&audit->users);
    free(audit);
}

void audit_take_store(struct audit *audit, struct store *store)
{
    audit->store = store;
}

void audit_on_room(struct audit *audit, audit_fn *room, void *owner)
{
    audit->room = room;
    audit->room_owner = owner;
}

/* Users */

static struct user *find_user(const struct audit *audit, uid_t uid)
{
    struct index_link *link = index_first(&audit->users, uid);
    return link == NULL ? NULL : CONTAINER_OF(link, struct user, link); /* the hash is the key */
}

static struct user *audit_user_of(struct audit *audit, uid_t uid)
{
    struct user *user = find_user(audit, uid);
    if (user == NULL) {
        user = xcalloc(1, sizeof *user);
        user->uid = uid;
        index_add(&audit->users, &user->link, uid);
    }
    return user;
}

static bool has_its_share(const struct audit *audit, const struct user *user)
{
    return user->count >= AUDIT_PER_USER ||
           (audit->count >= AUDIT_IN_ALL && user->count >= AUDIT_SHARE);
}

bool audit_is_full(const struct audit *audit, uid_t uid)
{
    const struct user *user = find_user(audit, uid);
    return user != NULL && has_its_share(audit, user);
}

/* Writing */

/* On the worker: when lodged leaves, no letter comes back. */
static void say_lost(const struct writing *writing, const struct lodge_error *err)
{
    for (size_t i = 0; i < writing->count; i++) {
        const struct audit_row *row = &writing->rows[i];
        log_error(LOG_OPS, "uid %u called %s %s(%s, %lld times): %s", (unsigned)row->uid,
                  row->method, row->target, row->result == LODGE_ERROR_NONE ? "done" : "refused",
                  (long long)row->times, err->message);
    }
}

static void writing_run(struct job *job)
{
    struct writing *writing = (struct writing *)job;
    struct lodge_error err = {0};
    if (writing->store == NULL) {
        (void)lodge_fail(&err, LODGE_ERROR_STORE_UNAVAILABLE, "there is no store");
    } else if (!store_add_audit(writing->store, writing->rows, writing->count, &err)) {
        (void)lodge_fail_in(&err, "not in the audit");
    }
    if (err.kind != LODGE_ERROR_NONE) {
        say_lost(writing, &err);
    }
}

static void writing_deliver(struct letter *letter);

/* Gives the first notes to the worker, at most so many. */
static void write_notes(struct audit *audit, size_t most)
{
    struct writing *writing = xcalloc(1, sizeof *writing);
    struct note **end = &writing->notes;
    *end = audit->first;
    while (*end != NULL && writing->count < most) {
        if ((*end)->error != NULL) {
            index_remove(&audit->refusals, &(*end)->link);
        } else {
            audit->done--;
        }
        end = &(*end)->next;
        writing->count++;
    }
    audit->first = TAKE(*end);
    if (audit->first == NULL) {
        audit->last = &audit->first;
    }
    writing->rows = xcalloc(writing->count, sizeof *writing->rows);
    size_t row = 0;
    for (const struct note *note = writing->notes; note != NULL; note = note->next) {
        writing->rows[row++] = note->row;
    }
    writing->audit = audit;
    writing->store = audit->store;
    writing->job.run = writing_run;
    writing->job.letter.deliver = writing_deliver;
    audit->writes = true;
    workers_submit(audit->workers, &writing->job);
}

static void write_soon(struct audit *audit)
{
    if (audit->first == NULL || audit->writes) {
        return;
    }
    uint64_t now = loop_monotonic_ms();
    uint64_t next = audit->done == 0 ? pace_next(&audit->alone, BURST_MS) : 0;
    if (next > now) {
        loop_timer_start(audit->rest, next - now, 0);
        return;
    }
    if (audit->done == 0) {
        pace_pay(&audit->alone, REST_MS);
    }
    loop_timer_stop(audit->rest);
    write_notes(audit, ROWS_AT_ONCE);
}

static void rested(void *owner)
{
    write_soon(owner);
}

/* Returns whether somebody has room now who had none. */
static bool note_free(struct audit *audit, struct note *note)
{
    struct user *user = note->user;
    bool room = user->count == AUDIT_PER_USER || audit->count == AUDIT_IN_ALL ||
                (audit->count > AUDIT_IN_ALL && user->count == AUDIT_SHARE);
    audit->count--;
    if (--user->count == 0) {
        index_remove(&audit->users, &user->link);
        free(user);
    }
    free(note->target);
    free(note->params);
    free(note->error);
    free(note);
    return room;
}

static void writing_deliver(struct letter *letter)
{
    struct writing *writing = (struct writing *)letter;
    struct audit *audit = writing->audit;
    bool is_room = false;
    audit->writes = false;
    write_soon(audit);
    while (writing->notes != NULL) {
        struct note *note = writing->notes;
        writing->notes = note->next;
        if (note->written != NULL) {
            note->written(note->data);
        }
        is_room |= note_free(audit, note);
    }
    free(writing->rows);
    free(writing);
    if (is_room && audit->room != NULL) {
        audit->room(audit->room_owner);
    }
}

bool audit_finish(struct audit *audit)
{
    if (audit->first != NULL) {
        write_notes(audit, SIZE_MAX);
    }
    bool finished = workers_finish(audit->workers, FAREWELL_MS);
    if (!finished) {
        log_warning(LOG_OPS, "up to %zu rows are not in the audit: lodged leaves", audit->count);
    }
    return finished;
}

/* Noting */

struct audit_row audit_row_of(const struct audit_call *call)
{
    return (struct audit_row){
        .at_ms = loop_wall_ms(),
        .uid = call->uid,
        .pid = call->pid,
        .method = call->method,
        .target = call->target,
        .times = 1,
        .params = call->params,
        .op = call->op,
    };
}

static struct note *add_note(struct audit *audit, const struct audit_call *call, const char *target,
                             const struct lodge_error *err)
{
    struct note *note = xcalloc(1, sizeof *note);
    note->target = xstrdup(target);
    note->params = target == call->target ? xstrdup_or_null(call->params) : NULL;
    note->error = err == NULL ? NULL : xstrdup(err->message);
    note->user = audit_user_of(audit, call->uid);
    note->row = audit_row_of(call);
    note->row.target = note->target;
    note->row.params = note->params;
    note->row.result = err == NULL ? LODGE_ERROR_NONE : err->kind;
    note->row.error = note->error;
    note->user->count++;
    audit->count++;
    *audit->last = note;
    audit->last = &note->next;
    return note;
}

static uint64_t refusal_hash(const struct audit_call *call, const char *target,
                             enum lodge_error_kind kind)
{
    return (index_hash(call->method, target) ^ call->uid) * 31 + kind;
}

static struct note *find_refusal(const struct audit *audit, const struct audit_call *call,
                                 const char *target, enum lodge_error_kind kind, uint64_t hash)
{
    for (struct index_link *link = index_first(&audit->refusals, hash); link != NULL;
         link = index_next(link)) {
        struct note *note = CONTAINER_OF(link, struct note, link);
        const struct audit_row *row = &note->row;
        if (row->uid == call->uid && row->result == kind &&
            strcmp(row->method, call->method) == 0 && strcmp(row->target, target) == 0) {
            return note;
        }
    }
    return NULL;
}

/* True: it is one more of a note that waits. */
static bool sum_refusals(struct audit *audit, const struct audit_call *call, const char *target,
                         enum lodge_error_kind kind)
{
    struct note *same = find_refusal(audit, call, target, kind, refusal_hash(call, target, kind));
    if (same != NULL) {
        same->row.times++;
    }
    return same != NULL;
}

void audit_refused(struct audit *audit, const struct audit_call *call,
                   const struct lodge_error *err)
{
    const char *target = call->target;
    if (sum_refusals(audit, call, target, err->kind)) {
        return;
    }
    if (audit_is_full(audit, call->uid)) {
        target = "";
        if (sum_refusals(audit, call, target, err->kind)) {
            return;
        }
    }
    struct note *note = add_note(audit, call, target, err);
    index_add(&audit->refusals, &note->link, refusal_hash(call, target, err->kind));
    write_soon(audit);
}

void audit_done(struct audit *audit, const struct audit_call *call, audit_fn *written, void *data)
{
    struct note *note = add_note(audit, call, call->target, NULL);
    note->written = written;
    note->data = data;
    audit->done++;
    write_soon(audit);
}
