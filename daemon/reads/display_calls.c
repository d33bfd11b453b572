/*
 * display_calls: a list of calls, the oldest first. One is QUEUED while its guest or its host has
 * calls enough out, SENT until a worker has it, and ASKED while that is in the call.
 *
 * Callers leave at the deadline, the call cannot: an ASKED one without callers is lost, and stays
 * in the list until it returns, so that nobody else is sent to its guest. The worker fills result
 * and error, and says when it begins in `asked_at`, which needs no turn of the loop: it is read
 * when somebody asks. All else is the loop's; a descriptor that nobody took is closed with its
 * call.
 */
#include "reads/display_calls.h"

#include "base64.h"
#include "host/guest/open_screen.h"
#include "host/guest/screenshot.h"
#include "host/host.h"
#include "memory.h"
#include "reads/reads_private.h"
#include "refusals.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEADLINE_MS = 2000, HOLDERS_NAMED = 200 };

/* Callers that may share one. */
enum { CALLERS_MAX = 8 };

struct display_call_kind {
    const char *noun; /* "picture": what QEMU did not give */
    bool is_shared;   /* the same result is good for all who ask meanwhile */
    bool (*look)(struct host_conn *conn, const char *uuid, struct glance_result *ret_result,
                 struct lodge_error *err); /* on a worker */
};

enum display_call_state {
    DISPLAY_CALL_QUEUED, /* its host has HOST_SCREEN_CALLS out, or its guest one */
    DISPLAY_CALL_SENT,   /* it waits for the connection to open */
    DISPLAY_CALL_ASKED,  /* a worker is in the call */
};

struct caller {
    glance_fn *answer;
    void *data;
};

struct display_call {
    struct host_task task;
    struct display_calls *calls;
    struct display_call *next; /* in calls.first */
    bool is_out;               /* it is not QUEUED any more */
    struct host *host;
    char *host_name;
    char uuid[37];
    char *name;
    struct caller callers[CALLERS_MAX];
    size_t caller_count;      /* 0: they were answered without it */
    uint64_t deadline;        /* of all of them */
    _Atomic int64_t asked_at; /* ms since 1970; 0: no worker has it yet */
    const struct display_call_kind *kind;
    struct glance_result result;
    bool good;
    struct lodge_error error;
};

struct display_calls {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_later send;
    struct display_call *first; /* the oldest */
};

static enum display_call_state state_of(const struct display_call *call)
{
    if (!call->is_out) {
        return DISPLAY_CALL_QUEUED;
    }
    return call->asked_at == 0 ? DISPLAY_CALL_SENT : DISPLAY_CALL_ASKED;
}

static bool call_is_lost(const struct display_call *call)
{
    return state_of(call) == DISPLAY_CALL_ASKED && call->caller_count == 0;
}

static void set_calls_timer(struct display_calls *calls)
{
    uint64_t next = UINT64_MAX;
    for (const struct display_call *call = calls->first; call != NULL; call = call->next) {
        next = call->caller_count > 0 && call->deadline < next ? call->deadline : next;
    }
    uint64_t now = loop_monotonic_ms();
    if (calls->timer != NULL && next == UINT64_MAX) {
        loop_timer_stop(calls->timer);
    } else if (calls->timer != NULL) {
        loop_timer_start(calls->timer, next > now ? next - now : 0, 0);
    }
}

static void drop_call(struct display_call *call)
{
    struct display_call **place = &call->calls->first;
    while (*place != call) {
        place = &(*place)->next;
    }
    *place = call->next;
}

static void display_call_free(struct display_call *call)
{
    if (call->result.fd >= 0) {
        close(call->result.fd); /* nobody waited any more */
    }
    buffer_free(&call->result.base64);
    free(call->host_name);
    free(call->name);
    free(call);
}

/* An answer may make its caller ask again: nothing of the call's is in the way of that. */
static void answer_all(struct display_call *call, struct glance_result *result,
                       const struct lodge_error *error)
{
    struct caller callers[CALLERS_MAX];
    size_t count = call->caller_count;
    memcpy(callers, call->callers, count * sizeof *callers);
    call->caller_count = 0;
    for (size_t i = 0; i < count; i++) {
        callers[i].answer(callers[i].data, result, error); /* it may take the descriptor */
    }
}

static bool call_is_of(const struct display_call *call, const struct host *host, const char *uuid)
{
    return call->host == host && strcmp(call->uuid, uuid) == 0;
}

/* The one that is at this guest now; at most one is. */
static struct display_call *find_call_out(const struct display_calls *calls,
                                          const struct host *host, const char *uuid)
{
    struct display_call *call = calls->first;
    while (call != NULL && !(call->is_out && call_is_of(call, host, uuid))) {
        call = call->next;
    }
    return call;
}

/* Errors */

static bool refuse_unresponsive(const struct display_call *call, struct lodge_error *err)
{
    err->since_ms = call->asked_at;
    return lodge_fail(err, LODGE_ERROR_UNRESPONSIVE,
                      "QEMU of '%s' has given no %s for %lld s: if it stays so, force it off "
                      "(vm.stop)",
                      call->name, call->kind->noun,
                      (long long)(loop_wall_ms() - call->asked_at + 500) / 1000);
}

static size_t count_out(const struct display_calls *calls, const struct host *host, bool lost)
{
    size_t count = 0;
    for (const struct display_call *call = calls->first; call != NULL; call = call->next) {
        count += call->host == host && (lost ? call_is_lost(call) : call->is_out);
    }
    return count;
}

static bool refuse_busy(const struct display_calls *calls, const struct host *host,
                        const char *name, const char *noun, struct lodge_error *err)
{
    char holders[HOLDERS_NAMED] = "";
    size_t used = 0;
    for (const struct display_call *call = calls->first; call != NULL && used < sizeof holders;
         call = call->next) {
        if (call->host == host && call->is_out) {
            int length = snprintf(holders + used, sizeof holders - used, "%s'%.64s'",
                                  used == 0 ? "" : ", ", call->name);
            used += length > 0 ? (size_t)length : 0;
        }
    }
    return lodge_fail(err, LODGE_ERROR_BUSY,
                      "'%s' could not be asked for its %s: host '%s' waits for %s; force off "
                      "whichever does not answer (vm.stop)",
                      name, noun, host_name(host), holders);
}

/* Another call is at this guest, or others have the host's. */
static void say_why_queued(const struct display_call *call, struct lodge_error *err)
{
    const struct display_call *before = find_call_out(call->calls, call->host, call->uuid);
    if (before != NULL && state_of(before) == DISPLAY_CALL_ASKED) {
        (void)refuse_unresponsive(before, err);
    } else {
        (void)refuse_busy(call->calls, call->host, call->name, call->kind->noun, err);
    }
}

static void answer_late(struct display_call *call)
{
    struct lodge_error err = {0};
    switch (state_of(call)) {
    case DISPLAY_CALL_QUEUED:
        say_why_queued(call, &err);
        drop_call(call);
        answer_all(call, NULL, &err);
        display_call_free(call);
        return;
    case DISPLAY_CALL_SENT:
        (void)lodge_fail(&err, LODGE_ERROR_TIMEOUT,
                         "'%s' could not be asked for its %s: host '%s' has opened no connection "
                         "for it within %d s; try again",
                         call->name, call->kind->noun, call->host_name, DEADLINE_MS / 1000);
        break;
    case DISPLAY_CALL_ASKED:
        (void)refuse_unresponsive(call, &err);
        host_doubt_guests(call->host);
        break;
    }
    answer_all(call, NULL, &err);
}

static struct display_call *first_late(struct display_calls *calls)
{
    uint64_t now = loop_monotonic_ms();
    struct display_call *call = calls->first;
    while (call != NULL && (call->caller_count == 0 || call->deadline > now)) {
        call = call->next;
    }
    return call;
}

static void calls_are_due(void *owner)
{
    struct display_calls *calls = owner;
    struct display_call *call;
    while ((call = first_late(calls)) != NULL) {
        answer_late(call);
    }
    set_calls_timer(calls);
}

/* Calls */

/* On a worker. */
static void run_display_call(struct host_task *task, struct host_conn *conn)
{
    struct display_call *call = CONTAINER_OF(task, struct display_call, task);
    call->asked_at = loop_wall_ms();
    call->good = call->kind->look(conn, call->uuid, &call->result, &call->error);
}

static void display_call_done(struct host_task *task, bool ran)
{
    struct display_call *call = CONTAINER_OF(task, struct display_call, task);
    struct display_calls *calls = call->calls;
    if (!ran) {
        (void)refuse_host_down(&call->error, call->host_name, NULL);
    }
    bool good = ran && call->good;
    if (!good) {
        (void)lodge_fail_in(&call->error, "'%s'", call->name);
    }
    drop_call(call);
    if (calls->timer != NULL) {
        loop_later(calls->loop, &calls->send); /* its host may be in the middle of being lost */
    }
    answer_all(call, good ? &call->result : NULL, good ? NULL : &call->error);
    display_call_free(call);
    set_calls_timer(calls);
}

static void submit_call(struct display_call *call)
{
    call->is_out = true;
    call->task = (struct host_task){.run = run_display_call, .done = display_call_done};
    host_submit(call->host, HOST_CHANNEL_SCREEN, &call->task);
}

/* As many as their hosts have calls free for, the oldest first; one at a time for each guest. */
static void send_queued(void *owner)
{
    struct display_calls *calls = owner;
    for (struct display_call *call = calls->first; call != NULL; call = call->next) {
        if (!call->is_out && find_call_out(calls, call->host, call->uuid) == NULL &&
            count_out(calls, call->host, false) < HOST_SCREEN_CALLS) {
            submit_call(call);
        }
    }
}

/* Asking */

/* One that this caller can share; else NULL. */
static struct display_call *find_shared(const struct display_calls *calls,
                                        const struct display_call_kind *kind,
                                        const struct host *host, const char *uuid)
{
    struct display_call *call = kind->is_shared ? calls->first : NULL;
    while (call != NULL && (call->kind != kind || !call_is_of(call, host, uuid))) {
        call = call->next;
    }
    return call;
}

static struct display_call *add_call(struct display_calls *calls,
                                     const struct display_call_kind *kind, struct host *host,
                                     const char *uuid, const char *name)
{
    struct display_call *call = xcalloc(1, sizeof *call);
    struct display_call **end = &calls->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = call;
    call->calls = calls;
    call->kind = kind;
    call->result.fd = -1;
    call->host = host;
    call->host_name = xstrdup(host_name(host));
    (void)snprintf(call->uuid, sizeof call->uuid, "%s", uuid);
    call->name = xstrdup(name);
    return call;
}

/* Whether one more may wait: with others for `shared`, or when that is NULL for one of its own. */
static bool may_wait(const struct display_calls *calls, const struct display_call *shared,
                     const struct display_call_kind *kind, const struct fleet_host *on,
                     const char *uuid, const char *name, struct lodge_error *err)
{
    const struct display_call *out = find_call_out(calls, on->host, uuid);
    if (calls->timer == NULL) {
        return refuse_stopping(err);
    }
    if (out != NULL && call_is_lost(out)) {
        return refuse_unresponsive(out, err);
    }
    if (shared == NULL) {
        return count_out(calls, on->host, true) < HOST_SCREEN_CALLS ||
               refuse_busy(calls, on->host, name, kind->noun, err);
    }
    return shared->caller_count < CALLERS_MAX ||
           lodge_fail(err, LODGE_ERROR_TOO_MANY, "%d callers wait for a %s of '%s' already",
                      CALLERS_MAX, kind->noun, name);
}

static void take_display_call(struct ops *ops, const struct display_call_kind *kind,
                              const struct glance_at *at, glance_fn *answer, void *data)
{
    struct reads *reads = reads_of(ops);
    struct display_calls *calls = reads->display_calls;
    struct fleet_host *on = fleet_find(reads->fleet, at->host);
    struct lodge_error err = {0};
    if (on == NULL) {
        (void)refuse_unknown_host(&err, at->host);
        answer(data, NULL, &err);
        return;
    }
    struct display_call *call = find_shared(calls, kind, on->host, at->uuid);
    if (!may_wait(calls, call, kind, on, at->uuid, at->name, &err)) {
        answer(data, NULL, &err);
        return;
    }
    call = call == NULL ? add_call(calls, kind, on->host, at->uuid, at->name) : call;
    if (call->caller_count == 0) {
        call->deadline = loop_monotonic_ms() + DEADLINE_MS;
    }
    call->callers[call->caller_count++] = (struct caller){answer, data};
    send_queued(calls);
    set_calls_timer(calls);
}

/* Pictures */

/* On a worker, once for all callers. */
static bool picture_take(struct host_conn *conn, const char *uuid, struct glance_result *ret_result,
                         struct lodge_error *err)
{
    struct buffer png = {0};
    bool good = domain_screenshot(conn, uuid, &png, err);
    if (good) {
        base64_write(&ret_result->base64, png.data, png.length);
        good = !ret_result->base64.failed || lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    }
    buffer_free(&png);
    return good;
}

/* Each caller has a copy of up to 22 MiB coming. */
static const struct display_call_kind picture = {
    .noun = "picture", .is_shared = true, .look = picture_take};

void shots_take(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data)
{
    take_display_call(ops, &picture, at, answer, data);
}

/* Connections */

static bool screen_connect(struct host_conn *conn, const char *uuid,
                           struct glance_result *ret_result, struct lodge_error *err)
{
    ret_result->fd = domain_open_screen(conn, uuid, err);
    return ret_result->fd >= 0;
}

/* Its result is a descriptor for one caller. */
static const struct display_call_kind screen = {.noun = "screen", .look = screen_connect};

void screens_open(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data)
{
    take_display_call(ops, &screen, at, answer, data);
}

/* Life */

struct display_calls *display_calls_new(struct loop *loop)
{
    struct display_calls *calls = xcalloc(1, sizeof *calls);
    calls->loop = loop;
    calls->timer = loop_timer_new(loop, calls_are_due, calls);
    calls->send = (struct loop_later){.run = send_queued, .owner = calls};
    return calls;
}

void display_calls_close(struct display_calls *calls)
{
    struct lodge_error err = {0};
    (void)refuse_stopping(&err);
    loop_timer_free(TAKE(calls->timer));
    loop_later_cancel(calls->loop, &calls->send);
    struct display_call *next;
    for (struct display_call *call = calls->first; call != NULL; call = next) {
        next = call->next; /* nothing is added any more */
        answer_all(call, NULL, &err);
        if (!call->is_out) {
            drop_call(call);
            display_call_free(call);
        }
    }
}
