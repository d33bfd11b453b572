/*
 * glances: a list of questions, the oldest first. One is QUEUED while its guest or its host has
 * calls enough out, SENT until a worker has it, and ASKED while that is in the call.
 *
 * Callers leave at the deadline, the call cannot: an ASKED glance without callers is lost, and
 * stays in the list until its call returns, so that nobody else is sent to its guest. The worker
 * fills result and error, all else is the loop's; a descriptor that nobody took is closed with its
 * glance.
 */
#include "ops/glances.h"

#include "host/host.h"
#include "memory.h"
#include "ops/op.h"
#include "refusals.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEADLINE_MS = 2000, HOLDERS_NAMED = 200 };

enum glance_state {
    GLANCE_QUEUED, /* its host has HOST_SCREEN_CALLS out, or its guest one */
    GLANCE_SENT,   /* it waits for the connection to open */
    GLANCE_ASKED,  /* a worker is in the call */
};

struct caller {
    glance_fn *answer;
    void *data;
};

struct glance {
    struct host_task task;
    struct letter asked;
    struct glances *glances;
    struct glance *next; /* in glances.first */
    enum glance_state state;
    struct host *host;
    char *host_name;
    char uuid[37];
    char *name;
    struct caller callers[GLANCE_CALLERS_MAX];
    size_t caller_count; /* 0: they were answered without it */
    uint64_t deadline;   /* of all of them */
    int64_t asked_at;    /* ms since 1970 */
    const struct glance_kind *kind;
    struct glance_result result;
    bool good;
    struct lodge_error error;
};

struct glances {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_later send;
    struct glance *first; /* the oldest */
};

static bool is_out(const struct glance *glance)
{
    return glance->state != GLANCE_QUEUED;
}

static bool is_lost(const struct glance *glance)
{
    return glance->state == GLANCE_ASKED && glance->caller_count == 0;
}

static void set_timer(struct glances *glances)
{
    uint64_t next = UINT64_MAX;
    for (const struct glance *glance = glances->first; glance != NULL; glance = glance->next) {
        next = glance->caller_count > 0 && glance->deadline < next ? glance->deadline : next;
    }
    uint64_t now = loop_monotonic_ms();
    if (glances->timer != NULL && next == UINT64_MAX) {
        loop_timer_stop(glances->timer);
    } else if (glances->timer != NULL) {
        loop_timer_start(glances->timer, next > now ? next - now : 0, 0);
    }
}

static void take_out(struct glance *glance)
{
    struct glance **place = &glance->glances->first;
    while (*place != glance) {
        place = &(*place)->next;
    }
    *place = glance->next;
}

static void glance_free(struct glance *glance)
{
    if (glance->result.fd >= 0) {
        close(glance->result.fd); /* nobody waited any more */
    }
    buffer_free(&glance->result.base64);
    free(glance->host_name);
    free(glance->name);
    free(glance);
}

/* An answer may make its caller ask again: nothing of the glance's is in the way of that. */
static void answer_all(struct glance *glance, struct glance_result *result,
                       const struct lodge_error *error)
{
    struct caller callers[GLANCE_CALLERS_MAX];
    size_t count = glance->caller_count;
    memcpy(callers, glance->callers, count * sizeof *callers);
    glance->caller_count = 0;
    for (size_t i = 0; i < count; i++) {
        callers[i].answer(callers[i].data, result, error); /* it may take the descriptor */
    }
}

static bool is_of(const struct glance *glance, const struct host *host, const char *uuid)
{
    return glance->host == host && strcmp(glance->uuid, uuid) == 0;
}

/* The one that is at this guest now; at most one is. */
static struct glance *find_out(const struct glances *glances, const struct host *host,
                               const char *uuid)
{
    struct glance *glance = glances->first;
    while (glance != NULL && !(is_out(glance) && is_of(glance, host, uuid))) {
        glance = glance->next;
    }
    return glance;
}

/* Errors */

static bool unresponsive(const struct glance *glance, struct lodge_error *err)
{
    err->since_ms = glance->asked_at;
    return lodge_fail(err, LODGE_ERROR_UNRESPONSIVE,
                      "QEMU of '%s' has given no %s for %lld s: if it stays so, force it off "
                      "(vm.stop)",
                      glance->name, glance->kind->noun,
                      (long long)(loop_wall_ms() - glance->asked_at + 500) / 1000);
}

static size_t count_out(const struct glances *glances, const struct host *host, bool lost)
{
    size_t count = 0;
    for (const struct glance *glance = glances->first; glance != NULL; glance = glance->next) {
        count += glance->host == host && (lost ? is_lost(glance) : is_out(glance));
    }
    return count;
}

static bool busy(const struct glances *glances, const struct host *host, const char *name,
                 const char *noun, struct lodge_error *err)
{
    char holders[HOLDERS_NAMED] = "";
    size_t used = 0;
    for (const struct glance *glance = glances->first; glance != NULL && used < sizeof holders;
         glance = glance->next) {
        if (glance->host == host && is_out(glance)) {
            int length = snprintf(holders + used, sizeof holders - used, "%s'%.64s'",
                                  used == 0 ? "" : ", ", glance->name);
            used += length > 0 ? (size_t)length : 0;
        }
    }
    return lodge_fail(err, LODGE_ERROR_BUSY,
                      "'%s' could not be asked for its %s: host '%s' waits for %s; force off "
                      "whichever does not answer (vm.stop)",
                      name, noun, host_name(host), holders);
}

/* Another call is at this guest, or others have the host's. */
static void say_why_queued(const struct glance *glance, struct lodge_error *err)
{
    const struct glance *before = find_out(glance->glances, glance->host, glance->uuid);
    if (before != NULL && before->state == GLANCE_ASKED) {
        (void)unresponsive(before, err);
    } else {
        (void)busy(glance->glances, glance->host, glance->name, glance->kind->noun, err);
    }
}

static void give_up(struct glance *glance)
{
    struct lodge_error err = {0};
    switch (glance->state) {
    case GLANCE_QUEUED:
        say_why_queued(glance, &err);
        take_out(glance);
        answer_all(glance, NULL, &err);
        glance_free(glance);
        return;
    case GLANCE_SENT:
        (void)lodge_fail(&err, LODGE_ERROR_TIMEOUT,
                         "'%s' could not be asked for its %s: host '%s' has opened no connection "
                         "for it within %d s; try again",
                         glance->name, glance->kind->noun, glance->host_name, DEADLINE_MS / 1000);
        break;
    case GLANCE_ASKED:
        (void)unresponsive(glance, &err);
        host_doubt_guests(glance->host);
        break;
    }
    answer_all(glance, NULL, &err);
}

static struct glance *first_late(struct glances *glances)
{
    uint64_t now = loop_monotonic_ms();
    struct glance *glance = glances->first;
    while (glance != NULL && (glance->caller_count == 0 || glance->deadline > now)) {
        glance = glance->next;
    }
    return glance;
}

static void on_time(void *owner)
{
    struct glances *glances = owner;
    struct glance *glance;
    while ((glance = first_late(glances)) != NULL) {
        give_up(glance);
    }
    set_timer(glances);
}

/* Calls */

static void deliver_asked(struct letter *letter)
{
    struct glance *glance = CONTAINER_OF(letter, struct glance, asked);
    glance->state = GLANCE_ASKED;
    glance->asked_at = loop_wall_ms();
}

/* On a worker. */
static void run(struct host_task *task, struct host_conn *conn)
{
    struct glance *glance = CONTAINER_OF(task, struct glance, task);
    glance->asked.deliver = deliver_asked;
    loop_post(glance->glances->loop, &glance->asked);
    glance->good = glance->kind->look(conn, glance->uuid, &glance->result, &glance->error);
}

static void done(struct host_task *task, bool ran)
{
    struct glance *glance = CONTAINER_OF(task, struct glance, task);
    struct glances *glances = glance->glances;
    if (!ran) {
        (void)refuse_host_down(&glance->error, glance->host_name, NULL);
    }
    bool good = ran && glance->good;
    if (!good) {
        (void)lodge_fail_in(&glance->error, "'%s'", glance->name);
    }
    take_out(glance);
    if (glances->timer != NULL) {
        loop_later(glances->loop, &glances->send); /* its host may be in the middle of being lost */
    }
    answer_all(glance, good ? &glance->result : NULL, good ? NULL : &glance->error);
    glance_free(glance);
    set_timer(glances);
}

static void submit(struct glance *glance)
{
    glance->state = GLANCE_SENT;
    glance->task = (struct host_task){.run = run, .done = done};
    host_submit(glance->host, HOST_CHANNEL_SCREEN, &glance->task);
}

/* As many as their hosts have calls free for, the oldest first; one at a time for each guest. */
static void send_queued(void *owner)
{
    struct glances *glances = owner;
    for (struct glance *glance = glances->first; glance != NULL; glance = glance->next) {
        if (!is_out(glance) && find_out(glances, glance->host, glance->uuid) == NULL &&
            count_out(glances, glance->host, false) < HOST_SCREEN_CALLS) {
            submit(glance);
        }
    }
}

/* Asking */

/* One that this caller can share; else NULL. */
static struct glance *find_shared(const struct glances *glances, const struct glance_kind *kind,
                                  const struct host *host, const char *uuid)
{
    struct glance *glance = kind->is_shared ? glances->first : NULL;
    while (glance != NULL && (glance->kind != kind || !is_of(glance, host, uuid))) {
        glance = glance->next;
    }
    return glance;
}

static struct glance *add(struct glances *glances, const struct glance_kind *kind,
                          struct host *host, const char *uuid, const char *name)
{
    struct glance *glance = xcalloc(1, sizeof *glance);
    struct glance **end = &glances->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = glance;
    glance->glances = glances;
    glance->kind = kind;
    glance->result.fd = -1;
    glance->host = host;
    glance->host_name = xstrdup(host_name(host));
    (void)snprintf(glance->uuid, sizeof glance->uuid, "%s", uuid);
    glance->name = xstrdup(name);
    return glance;
}

/* Whether one more may wait: with others for `shared`, or when that is NULL for one of its own. */
static bool may_wait(const struct glances *glances, const struct glance *shared,
                     const struct glance_kind *kind, const struct house_host *on, const char *uuid,
                     const char *name, struct lodge_error *err)
{
    const struct glance *out = find_out(glances, on->host, uuid);
    if (glances->timer == NULL) {
        return refuse_stopping(err);
    }
    if (out != NULL && is_lost(out)) {
        return unresponsive(out, err);
    }
    if (shared == NULL) {
        return count_out(glances, on->host, true) < HOST_SCREEN_CALLS ||
               busy(glances, on->host, name, kind->noun, err);
    }
    return shared->caller_count < GLANCE_CALLERS_MAX ||
           lodge_fail(err, LODGE_ERROR_TOO_MANY, "%d callers wait for a %s of '%s' already",
                      GLANCE_CALLERS_MAX, kind->noun, name);
}

void glances_take(struct ops *ops, const struct glance_kind *kind, const struct glance_at *at,
                  glance_fn *answer, void *data)
{
    struct glances *glances = ops->glances;
    struct house_host *on = ops_host(ops, at->host);
    struct lodge_error err = {0};
    if (on == NULL) {
        (void)refuse_unknown_host(&err, at->host);
        answer(data, NULL, &err);
        return;
    }
    struct glance *glance = find_shared(glances, kind, on->host, at->uuid);
    if (!may_wait(glances, glance, kind, on, at->uuid, at->name, &err)) {
        answer(data, NULL, &err);
        return;
    }
    glance = glance == NULL ? add(glances, kind, on->host, at->uuid, at->name) : glance;
    if (glance->caller_count == 0) {
        glance->deadline = loop_monotonic_ms() + DEADLINE_MS;
    }
    glance->callers[glance->caller_count++] = (struct caller){answer, data};
    send_queued(glances);
    set_timer(glances);
}

/* Life */

struct glances *glances_new(struct loop *loop)
{
    struct glances *glances = xcalloc(1, sizeof *glances);
    glances->loop = loop;
    glances->timer = loop_timer_new(loop, on_time, glances);
    glances->send = (struct loop_later){.run = send_queued, .owner = glances};
    return glances;
}

void glances_close(struct glances *glances)
{
    struct lodge_error err = {0};
    (void)refuse_stopping(&err);
    loop_timer_free(TAKE(glances->timer));
    loop_later_cancel(glances->loop, &glances->send);
    struct glance *next;
    for (struct glance *glance = glances->first; glance != NULL; glance = next) {
        next = glance->next; /* nothing is added any more */
        answer_all(glance, NULL, &err);
        if (!is_out(glance)) {
            take_out(glance);
            glance_free(glance);
        }
    }
}
