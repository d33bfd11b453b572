#include "ops/shots.h"

#include "base64.h"
#include "host/host.h"
#include "host/screenshot.h"
#include "memory.h"
#include "ops/op.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MS = 2000 };

/* Each has a copy of up to 22 MiB coming. */
enum { CALLERS_MAX = 8, HOLDERS_NAMED = 200 };

enum shot_state {
    SHOT_QUEUED, /* its host has HOST_SCREEN_CALLS out */
    SHOT_SENT,   /* it waits for the connection to open */
    SHOT_ASKED,  /* a worker is in the call */
};

struct caller {
    shots_fn *answer;
    void *data;
};

struct shot {
    struct host_task task;
    struct letter asked;
    struct shots *shots;
    struct shot *next; /* in shots.first */
    enum shot_state state;
    struct host *host;
    char *host_name;
    char uuid[37];
    char *name;
    struct caller callers[CALLERS_MAX];
    size_t caller_count; /* 0: they were answered without it */
    uint64_t deadline;   /* of all of them */
    int64_t asked_at;    /* ms since 1970 */
    struct buffer base64;
    struct lodge_error error;
};

struct shots {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_later send;
    struct shot *first; /* the oldest */
};

static bool is_out(const struct shot *shot)
{
    return shot->state != SHOT_QUEUED;
}

static bool is_lost(const struct shot *shot)
{
    return shot->state == SHOT_ASKED && shot->caller_count == 0;
}

static void set_timer(struct shots *shots)
{
    uint64_t next = UINT64_MAX;
    for (const struct shot *shot = shots->first; shot != NULL; shot = shot->next) {
        next = shot->caller_count > 0 && shot->deadline < next ? shot->deadline : next;
    }
    uint64_t now = loop_monotonic_ms();
    if (shots->timer != NULL && next == UINT64_MAX) {
        loop_timer_stop(shots->timer);
    } else if (shots->timer != NULL) {
        loop_timer_start(shots->timer, next > now ? next - now : 0, 0);
    }
}

static void take_out(struct shot *shot)
{
    struct shot **place = &shot->shots->first;
    while (*place != shot) {
        place = &(*place)->next;
    }
    *place = shot->next;
}

static void shot_free(struct shot *shot)
{
    buffer_free(&shot->base64);
    free(shot->host_name);
    free(shot->name);
    free(shot);
}

/* An answer may make its caller ask again: nothing of the shot's is in the way of that. */
static void answer_all(struct shot *shot, const struct buffer *base64,
                       const struct lodge_error *error)
{
    struct caller callers[CALLERS_MAX];
    size_t count = shot->caller_count;
    memcpy(callers, shot->callers, count * sizeof *callers);
    shot->caller_count = 0;
    for (size_t i = 0; i < count; i++) {
        callers[i].answer(callers[i].data, base64, error);
    }
}

/* Errors */

static bool unresponsive(const struct shot *shot, struct lodge_error *err)
{
    err->since_ms = shot->asked_at;
    return lodge_fail(err, LODGE_ERROR_UNRESPONSIVE,
                      "QEMU of '%s' has given no picture for %lld s: if it stays so, force it off "
                      "(vm.stop)",
                      shot->name, (long long)(loop_wall_ms() - shot->asked_at) / 1000);
}

static size_t count_out(const struct shots *shots, const struct host *host, bool lost)
{
    size_t count = 0;
    for (const struct shot *shot = shots->first; shot != NULL; shot = shot->next) {
        count += shot->host == host && (lost ? is_lost(shot) : is_out(shot));
    }
    return count;
}

static bool busy(const struct shots *shots, const struct host *host, const char *name,
                 struct lodge_error *err)
{
    char holders[HOLDERS_NAMED] = "";
    size_t used = 0;
    for (const struct shot *shot = shots->first; shot != NULL && used < sizeof holders;
         shot = shot->next) {
        if (shot->host == host && is_out(shot)) {
            int length = snprintf(holders + used, sizeof holders - used, "%s'%.64s'",
                                  used == 0 ? "" : ", ", shot->name);
            used += length > 0 ? (size_t)length : 0;
        }
    }
    return lodge_fail(err, LODGE_ERROR_BUSY,
                      "'%s' could not be asked for its picture: host '%s' waits for those of %s; "
                      "force off whichever does not answer (vm.stop)",
                      name, host_name(host), holders);
}

static void give_up(struct shot *shot)
{
    struct shots *shots = shot->shots;
    struct lodge_error err = {0};
    switch (shot->state) {
    case SHOT_QUEUED:
        (void)busy(shots, shot->host, shot->name, &err);
        take_out(shot);
        answer_all(shot, NULL, &err);
        shot_free(shot);
        return;
    case SHOT_SENT:
        (void)lodge_fail(&err, LODGE_ERROR_TIMEOUT,
                         "'%s' could not be asked for its picture: host '%s' has opened no "
                         "connection for it within %d s; try again",
                         shot->name, shot->host_name, DEADLINE_MS / 1000);
        break;
    case SHOT_ASKED:
        (void)unresponsive(shot, &err);
        host_doubt_guests(shot->host);
        break;
    }
    answer_all(shot, NULL, &err);
}

static struct shot *first_late(struct shots *shots)
{
    uint64_t now = loop_monotonic_ms();
    struct shot *shot = shots->first;
    while (shot != NULL && (shot->caller_count == 0 || shot->deadline > now)) {
        shot = shot->next;
    }
    return shot;
}

static void on_time(void *owner)
{
    struct shots *shots = owner;
    struct shot *shot;
    while ((shot = first_late(shots)) != NULL) {
        give_up(shot);
    }
    set_timer(shots);
}

/* Calls */

static void deliver_asked(struct letter *letter)
{
    struct shot *shot = CONTAINER_OF(letter, struct shot, asked);
    shot->state = SHOT_ASKED;
    shot->asked_at = loop_wall_ms();
}

/* On a worker. */
static void run(struct host_task *task, struct hand *hand)
{
    struct shot *shot = CONTAINER_OF(task, struct shot, task);
    struct buffer png = {0};
    shot->asked.deliver = deliver_asked;
    loop_post(shot->shots->loop, &shot->asked);
    if (hand_screenshot(hand, shot->uuid, &png, &shot->error)) {
        base64_write(&shot->base64, png.data, png.length);
        if (shot->base64.failed) {
            (void)lodge_fail(&shot->error, LODGE_ERROR_INTERNAL, "out of memory");
        }
    }
    buffer_free(&png);
}

static void done(struct host_task *task, bool ran)
{
    struct shot *shot = CONTAINER_OF(task, struct shot, task);
    struct shots *shots = shot->shots;
    if (!ran) {
        (void)lodge_fail(&shot->error, LODGE_ERROR_HOST_DOWN, "host '%s' is not up",
                         shot->host_name);
    }
    bool good = shot->error.kind == LODGE_ERROR_NONE;
    if (!good) {
        (void)lodge_fail_in(&shot->error, "'%s'", shot->name);
    }
    take_out(shot);
    if (shots->timer != NULL) {
        loop_later(shots->loop, &shots->send); /* its host may be in the middle of being lost */
    }
    answer_all(shot, good ? &shot->base64 : NULL, good ? NULL : &shot->error);
    shot_free(shot);
    set_timer(shots);
}

static void submit(struct shot *shot)
{
    shot->state = SHOT_SENT;
    shot->task = (struct host_task){.run = run, .done = done};
    host_submit(shot->host, HOST_LANE_SCREEN, &shot->task);
}

/* As many as their hosts have calls free for, the oldest first. */
static void send_queued(void *owner)
{
    struct shots *shots = owner;
    for (struct shot *shot = shots->first; shot != NULL; shot = shot->next) {
        if (!is_out(shot) && count_out(shots, shot->host, false) < HOST_SCREEN_CALLS) {
            submit(shot);
        }
    }
}

/* Asking */

static struct shot *find(const struct shots *shots, const struct host *host, const char *uuid)
{
    struct shot *shot = shots->first;
    while (shot != NULL && (shot->host != host || strcmp(shot->uuid, uuid) != 0)) {
        shot = shot->next;
    }
    return shot;
}

static struct shot *add(struct shots *shots, struct host *host, const char *uuid, const char *name)
{
    struct shot *shot = xcalloc(1, sizeof *shot);
    struct shot **end = &shots->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = shot;
    shot->shots = shots;
    shot->host = host;
    shot->host_name = xstrdup(host_name(host));
    (void)snprintf(shot->uuid, sizeof shot->uuid, "%s", uuid);
    shot->name = xstrdup(name);
    return shot;
}

/* Whether one more may wait for `shot`, or NULL for a new one. */
static bool may_wait(const struct shots *shots, const struct shot *shot, const struct host *host,
                     const char *name, struct lodge_error *err)
{
    if (shots->timer == NULL) {
        return lodge_fail(err, LODGE_ERROR_CANCELLED, "lodged is leaving");
    }
    if (shot == NULL) {
        return count_out(shots, host, true) < HOST_SCREEN_CALLS || busy(shots, host, name, err);
    }
    if (is_lost(shot)) {
        return unresponsive(shot, err);
    }
    return shot->caller_count < CALLERS_MAX ||
           lodge_fail(err, LODGE_ERROR_TOO_MANY, "%d callers wait for a picture of '%s' already",
                      CALLERS_MAX, name);
}

void shots_take(struct ops *ops, const char *host, const char *uuid, const char *name,
                shots_fn *answer, void *data)
{
    struct shots *shots = ops->shots;
    struct house_host *on = ops_host(ops, host);
    struct lodge_error err = {0};
    struct shot *shot = on == NULL ? NULL : find(shots, on->host, uuid);
    bool good = on != NULL || lodge_fail(&err, LODGE_ERROR_NOT_FOUND, "no host '%s'", host);
    if (!good || !may_wait(shots, shot, on->host, name, &err)) {
        answer(data, NULL, &err);
        return;
    }
    shot = shot == NULL ? add(shots, on->host, uuid, name) : shot;
    if (shot->caller_count == 0) {
        shot->deadline = loop_monotonic_ms() + DEADLINE_MS;
    }
    shot->callers[shot->caller_count++] = (struct caller){answer, data};
    send_queued(shots);
    set_timer(shots);
}

/* Life */

struct shots *shots_new(struct loop *loop)
{
    struct shots *shots = xcalloc(1, sizeof *shots);
    shots->loop = loop;
    shots->timer = loop_timer_new(loop, on_time, shots);
    shots->send = (struct loop_later){.run = send_queued, .owner = shots};
    return shots;
}

void shots_close(struct shots *shots)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_CANCELLED, "lodged is leaving");
    loop_timer_free(TAKE(shots->timer));
    loop_later_cancel(shots->loop, &shots->send);
    struct shot *next;
    for (struct shot *shot = shots->first; shot != NULL; shot = next) {
        next = shot->next; /* nothing is added any more */
        answer_all(shot, NULL, &err);
        if (!is_out(shot)) {
            take_out(shot);
            shot_free(shot);
        }
    }
}

void shots_free(struct shots *shots)
{
    if (shots->first == NULL) {
        free(shots);
    }
}
