/*
 * session_log: beginnings and ends wait for each other for GATHER_MS, and are then written in one
 * transaction, a job of one worker, so that an end finds its beginning written: a hundred pages
 * that are opened at once cost one wait for the disk. Rows have copies of their texts,
 * and are freed on the loop.
 *
 * What a crash loses is this history's last moment, not who was let in: the audit has each ticket
 * before its viewer does. A row whose end got lost is ended by the next start
 * (store_recall_sessions).
 */
#include "reads/session_log.h"

#include "log.h"
#include "loop/workers.h"
#include "memory.h"
#include "scope.h"

#include <stdlib.h>

enum { GATHER_MS = 100, IDLE_MS = 10000, FAREWELL_MS = 500 };

/* What a row's texts are kept in. */
struct texts {
    char *host, *uuid, *vm, *peer, *reason;
};

struct batch {
    struct job job; /* first */
    struct store *store;
    struct session_row *rows;
    struct texts *texts;
    struct lodge_error *errors; /* of each, when it was written by itself, since all were not */
    size_t count, room;
};

struct session_log {
    struct loop *loop;
    struct store *store;
    struct workers *workers;  /* one: an end comes after its beginning */
    struct loop_timer *timer; /* runs while there is … */
    struct batch *batch;      /* … one that gathers */
};

static void session_log_write(void *owner);

struct session_log *session_log_new(struct loop *loop)
{
    struct session_log *log = xcalloc(1, sizeof *log);
    log->loop = loop;
    log->workers = workers_new(loop, "sessions", 1, IDLE_MS);
    log->timer = loop_timer_new(loop, session_log_write, log);
    return log;
}

void session_log_take_store(struct session_log *log, struct store *store)
{
    log->store = store;
}

static bool session_log_flush(struct session_log *log)
{
    if (log->batch != NULL) {
        session_log_write(log);
    }
    return workers_finish(log->workers, FAREWELL_MS);
}

void session_log_finish(struct session_log *log)
{
    if (!session_log_flush(log)) {
        log_info(LOG_OPS, "rows of sessions are not written: the next start closes them");
    }
}

bool session_log_free(struct session_log *log)
{
    bool idle = session_log_flush(log);
    workers_free(log->workers);
    loop_timer_free(log->timer);
    free(log);
    return idle;
}

static void batch_write(struct job *job)
{
    struct batch *batch = (struct batch *)job;
    struct lodge_error err = {0};
    if (store_note_sessions(batch->store, batch->rows, batch->count, &err)) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (!store_note_sessions(batch->store, &batch->rows[i], 1, &batch->errors[i])) {
            (void)lodge_fail_in(&batch->errors[i], "the row of session %lld",
                                (long long)batch->rows[i].id);
        }
    }
}

static void free_texts(struct texts *texts)
{
    free(texts->host);
    free(texts->uuid);
    free(texts->vm);
    free(texts->peer);
    free(texts->reason);
}

static void batch_written(struct letter *letter)
{
    struct batch *batch = (struct batch *)letter;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->errors[i].kind != LODGE_ERROR_NONE) {
            log_error(LOG_OPS, "%s", batch->errors[i].message);
        }
        free_texts(&batch->texts[i]);
    }
    free(batch->rows);
    free(batch->texts);
    free(batch->errors);
    free(batch);
}

static void session_log_write(void *owner)
{
    struct session_log *log = owner;
    struct batch *batch = TAKE(log->batch);
    loop_timer_stop(log->timer);
    batch->errors = xcalloc(batch->count, sizeof *batch->errors);
    workers_submit(log->workers, &batch->job);
}

static struct batch *make_room_in_batch(struct session_log *log)
{
    struct batch *batch = log->batch;
    if (batch == NULL) {
        batch = log->batch = xcalloc(1, sizeof *batch);
        batch->job.run = batch_write;
        batch->job.letter.deliver = batch_written;
        batch->store = log->store;
        loop_timer_start(log->timer, GATHER_MS, 0);
    }
    if (batch->count == batch->room) {
        batch->room = batch->room == 0 ? 8 : batch->room * 2;
        batch->rows = xrealloc(batch->rows, batch->room * sizeof *batch->rows);
        batch->texts = xrealloc(batch->texts, batch->room * sizeof *batch->texts);
    }
    return batch;
}

static void add_row(struct session_log *log, const struct session_row *row)
{
    if (log->store == NULL) {
        return;
    }
    struct batch *batch = make_room_in_batch(log);
    struct texts *texts = &batch->texts[batch->count];
    struct session_row *copy = &batch->rows[batch->count++];
    *texts = (struct texts){
        .host = xstrdup_or_null(row->host),
        .uuid = xstrdup_or_null(row->uuid),
        .vm = xstrdup_or_null(row->vm),
        .peer = xstrdup_or_null(row->peer),
        .reason = xstrdup_or_null(row->reason),
    };
    *copy = *row;
    copy->host = texts->host;
    copy->uuid = texts->uuid;
    copy->vm = texts->vm;
    copy->peer = texts->peer;
    copy->reason = texts->reason;
}

void session_log_begin(struct session_log *log, const struct session_row *row)
{
    add_row(log, row);
}

void session_log_end(struct session_log *log, int64_t id, const char *reason, uint64_t bytes)
{
    add_row(log,
            &(struct session_row){
                .id = id, .reason = reason, .ended_ms = loop_wall_ms(), .bytes = (int64_t)bytes});
}
