/*
 * session_log: beginnings and ends are jobs of one worker, so that an end finds its beginning
 * written. A line has copies of its texts, and is freed on the loop. A row whose end got lost is
 * ended by the next start (store_recall_sessions).
 */
#include "reads/session_log.h"

#include "log.h"
#include "loop/workers.h"
#include "memory.h"

#include <stdlib.h>

enum { IDLE_MS = 10000, FAREWELL_MS = 500 };

struct session_log {
    struct loop *loop;
    struct store *store;
    struct workers *workers; /* one: an end comes after its beginning */
};

struct line {
    struct job job; /* first */
    struct store *store;
    struct session_row row; /* its texts are below; of an end only the id */
    char *host, *uuid, *vm, *peer;
    char *reason; /* NULL: it begins */
    int64_t at_ms, bytes;
    struct lodge_error err;
};

struct session_log *session_log_new(struct loop *loop)
{
    struct session_log *log = xcalloc(1, sizeof *log);
    log->loop = loop;
    log->workers = workers_new(loop, "sessions", 1, IDLE_MS);
    return log;
}

void session_log_take_store(struct session_log *log, struct store *store)
{
    log->store = store;
}

void session_log_finish(struct session_log *log)
{
    if (!workers_finish(log->workers, FAREWELL_MS)) {
        log_info(LOG_OPS, "rows of sessions are not written: the next start closes them");
    }
}

bool session_log_free(struct session_log *log)
{
    bool idle = workers_finish(log->workers, FAREWELL_MS);
    workers_free(log->workers);
    free(log);
    return idle;
}

static void line_write(struct job *job)
{
    struct line *line = (struct line *)job;
    bool good = line->reason == NULL ? store_begin_session(line->store, &line->row, &line->err)
                                     : store_end_session(line->store, line->row.id, line->at_ms,
                                                         line->reason, line->bytes, &line->err);
    if (!good) {
        (void)lodge_fail_in(&line->err, "the row of session %lld", (long long)line->row.id);
    }
}

static void line_written(struct letter *letter)
{
    struct line *line = (struct line *)letter;
    if (line->err.kind != LODGE_ERROR_NONE) {
        log_error(LOG_OPS, "%s", line->err.message);
    }
    free(line->host);
    free(line->uuid);
    free(line->vm);
    free(line->peer);
    free(line->reason);
    free(line);
}

static struct line *line_new(struct session_log *log)
{
    struct line *line = xcalloc(1, sizeof *line);
    line->job.run = line_write;
    line->job.letter.deliver = line_written;
    line->store = log->store;
    return line;
}

void session_log_begin(struct session_log *log, const struct session_row *row)
{
    if (log->store == NULL) {
        return;
    }
    struct line *line = line_new(log);
    line->row = *row;
    line->row.host = line->host = xstrdup(row->host);
    line->row.uuid = line->uuid = xstrdup(row->uuid);
    line->row.vm = line->vm = xstrdup(row->vm);
    line->row.peer = line->peer = xstrdup(row->peer);
    workers_submit(log->workers, &line->job);
}

void session_log_end(struct session_log *log, int64_t id, const char *reason, uint64_t bytes)
{
    if (log->store == NULL) {
        return;
    }
    struct line *line = line_new(log);
    line->row.id = id;
    line->reason = xstrdup(reason);
    line->at_ms = loop_wall_ms();
    line->bytes = (int64_t)bytes;
    workers_submit(log->workers, &line->job);
}
