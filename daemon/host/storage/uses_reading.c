/*
 * uses_reading.c: all definitions of a host, read for all who asked before the reading began.
 *
 * One reading at a time and host; who asks while it runs has the next. It goes in three rounds,
 * each by letters: lists of the domains (one call), what libvirt has of each, in batches (as many
 * calls at a time as the `sync` connection may have), and what the names mean (uses_follow.c, one
 * call among the host's readings of pools, which may keep it). Between them the uses are the
 * loop's, during the last one that call's. Loop-only, but for the calls' run functions.
 */
#include "host/channels.h"
#include "host/host_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/reading.h"
#include "host/storage/uses_desk.h"
#include "host/storage/uses_private.h"
#include "log.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ten thousand domains take some seconds. What takes longer is lost in a call, mostly for a file
 * whose server hangs: no second worker is sent after it. */
enum { BATCH = 32, DEADLINE_MS = 120 * 1000 };

struct uses_ask {
    struct uses_ask *next;
    uses_fn *answer;
    void *data;
};

struct uses_desk {
    struct host *host;
    struct storage_place place;
    struct uses_ask *waiting, **last_waiting; /* for the next reading */
    struct reading *reading;                  /* the one that is out */
    struct reading *lost;                     /* one that is in a call which does not return */
    struct loop_later start;
    struct loop_timer *deadline;
};

struct reading {
    struct host *host;
    bool is_wanted; /* by those of `asks` */
    struct uses_ask *asks;
    struct uses *uses;
    struct storage_place place;
    unsigned out; /* batches */
    size_t definitions;
    struct lodge_error error;
};

/* --- the end ---------------------------------------------------------------------------------- */

static void answer_asks(struct uses_ask *asks, struct uses *uses, const struct lodge_error *error)
{
    while (asks != NULL) {
        struct uses_ask *ask = asks;
        asks = ask->next;
        ask->answer(ask->data, error == NULL ? uses : NULL, error);
        free(ask);
    }
}

static void say_reading(const struct reading *reading)
{
    const struct uses *uses = reading->uses;
    log_with(LOG_LEVEL_DEBUG, LOG_HOST, &(struct log_fields){.host = reading->host->name},
             "%s: read who uses which files: %zu definitions, %zu files, %zu doubts, %llu ms",
             reading->host->name, reading->definitions, uses->file_count, uses->doubts.count,
             (unsigned long long)uses->took_ms);
    if (uses->doubts.count > 0) {
        log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = reading->host->name},
                 "%s: it is not certain which files are in use, none is deleted: %s (and %zu more)",
                 reading->host->name, uses->doubts.items[0], uses->doubts.count - 1);
    }
}

static void reading_ends(struct reading *reading)
{
    struct uses_desk *desk = reading->host->uses_desk; /* NULL: the host has ended */
    bool is_good = reading->error.kind == LODGE_ERROR_NONE;
    struct uses_ask *asks = TAKE(reading->asks);
    reading->uses->took_ms = loop_monotonic_ms() - reading->uses->began_ms;
    if (desk != NULL && desk->reading == reading) {
        desk->reading = NULL;
        loop_timer_stop(desk->deadline);
        loop_later(reading->host->loop, &desk->start); /* whoever waits */
        if (is_good) {
            say_reading(reading);
        }
    } else if (desk != NULL && desk->lost == reading) {
        desk->lost = NULL;
    }
    answer_asks(asks, reading->uses, is_good ? NULL : &reading->error);
    uses_release(reading->uses);
    storage_place_clear(&reading->place);
    free(reading);
}

static void reading_fails(struct reading *reading, const struct lodge_error *error)
{
    if (reading->error.kind != LODGE_ERROR_NONE) {
        return;
    }
    if (error->kind != LODGE_ERROR_NONE) {
        reading->error = *error;
    } else {
        (void)lodge_fail(&reading->error, LODGE_ERROR_HOST_DOWN, "host '%s' went away",
                         reading->host->name);
    }
}

/* --- third: what the names mean --------------------------------------------------------------- */

/* A reading's own. */
struct following {
    struct reading *reading;
};

/* On a worker. It fills the uses; what it answers is only that it has. */
static void *follow_names(struct host_conn *conn, const void *about, struct lodge_error *err)
{
    struct reading *reading = ((const struct following *)about)->reading;
    return uses_follow(reading->uses, conn, &reading->place, err) ? reading : NULL;
}

static void names_are_followed(void *data, const void *answer, const struct lodge_error *error)
{
    if (answer == NULL) {
        reading_fails(data, error);
    }
}

static void free_nothing(void *reading)
{
    (void)reading; /* the answer is not its own */
}

/* No worker has it any more. */
static void following_is_over(void *about)
{
    struct reading *reading = ((struct following *)about)->reading;
    free(about);
    reading_ends(reading);
}

/* Without patience: the desk has a deadline. */
static const struct host_reading_kind follow_kind = {
    .is_of_pools = true,
    .read = follow_names,
    .free = free_nothing,
    .gone = following_is_over,
};

static void submit_follow(struct reading *reading)
{
    struct following *following = xcalloc(1, sizeof *following);
    following->reading = reading;
    host_read(reading->host, &follow_kind, following, names_are_followed, reading);
}

/* --- a domain and a part of what libvirt has of it ---------------------------------------------
 */

struct task {
    virDomainPtr domain; /* owned */
    enum uses_part part;
    struct named_files files;
    struct lodge_error error;
};

/* On a worker. */
static void read_tasks(struct host_call *call, struct task *tasks, size_t count)
{
    for (size_t i = 0; i < count && call->error.kind == LODGE_ERROR_NONE; i++) {
        struct task *task = &tasks[i];
        bool good = uses_read_part(task->domain, task->part, &task->files, &task->error);
        if (!good && task->error.kind == LODGE_ERROR_HOST_DOWN) {
            call->error = task->error;
        }
    }
}

/* Frees what they own. */
static void take_tasks(struct reading *reading, struct task *tasks, size_t count, bool good)
{
    for (size_t i = 0; i < count; i++) {
        if (good) {
            reading->definitions++;
            uses_take_part(reading->uses, tasks[i].domain, &tasks[i].files, &tasks[i].error);
        }
        named_files_clear(&tasks[i].files);
        virDomainFree(tasks[i].domain);
    }
}

/* --- second: all definitions, in batches ------------------------------------------------------ */

struct batch_call {
    struct host_call call; /* first */
    struct reading *reading;
    size_t count;
    struct task tasks[BATCH];
};

/* On a worker. */
static void run_batch(struct host_call *call, virConnectPtr conn)
{
    (void)conn;
    struct batch_call *batch = (struct batch_call *)call;
    read_tasks(call, batch->tasks, batch->count);
}

static void uses_batch_take(struct host_call *call, bool current)
{
    (void)current;
    struct batch_call *batch = (struct batch_call *)call;
    struct reading *reading = batch->reading;
    bool good = call->ran && call->error.kind == LODGE_ERROR_NONE;
    if (!good) {
        reading_fails(reading, &call->error);
    }
    take_tasks(reading, batch->tasks, batch->count, good);
    if (--reading->out > 0) {
        return;
    }
    if (reading->error.kind == LODGE_ERROR_NONE && reading->is_wanted) {
        submit_follow(reading);
    } else {
        reading_ends(reading);
    }
}

/* --- first: who is there ---------------------------------------------------------------------- */

struct list_call {
    struct host_call call; /* first */
    struct reading *reading;
    struct {
        virDomainPtr *domains;
        size_t count;
    } parts[USES_SAVE + 1];
    size_t count; /* of all parts */
    size_t few;   /* they were read at once, if they are no more than a batch */
    struct task tasks[BATCH];
};

/* A call for itself would take longer than what it asks. */
static void read_few(struct list_call *list)
{
    for (size_t part = 0; part < ARRAY_LENGTH(list->parts); part++) {
        for (size_t i = 0; i < list->parts[part].count; i++) {
            list->tasks[list->few++] = (struct task){
                .domain = TAKE(list->parts[part].domains[i]),
                .part = (enum uses_part)part,
            };
        }
    }
    read_tasks(&list->call, list->tasks, list->few);
}

/* On a worker. Few domains have the last three, so these are asked for by the list's filters. */
static void run_list(struct host_call *call, virConnectPtr conn)
{
    struct list_call *list = (struct list_call *)call;
    for (size_t i = 0; i < ARRAY_LENGTH(list->parts); i++) {
        if (!uses_list_part(conn, (enum uses_part)i, &list->parts[i].domains, &list->parts[i].count,
                            &call->error)) {
            return;
        }
        list->count += list->parts[i].count;
    }
    if (list->count <= BATCH) {
        read_few(list);
    }
}

static struct batch_call *uses_batch_new(struct reading *reading)
{
    struct batch_call *batch = xcalloc(1, sizeof *batch);
    batch->call.run = run_batch;
    batch->call.done = uses_batch_take;
    batch->reading = reading;
    return batch;
}

static void submit_batch(struct batch_call *batch)
{
    batch->reading->out++;
    channel_submit(batch->reading->host, CHANNEL_SYNC, &batch->call);
}

static void submit_batches(struct reading *reading, struct list_call *list)
{
    struct batch_call *batch = uses_batch_new(reading);
    reading->out = 1; /* ours, until all are sent */
    for (size_t part = 0; part < ARRAY_LENGTH(list->parts); part++) {
        for (size_t i = 0; i < list->parts[part].count; i++) {
            if (batch->count == BATCH) {
                submit_batch(batch);
                batch = uses_batch_new(reading);
            }
            batch->tasks[batch->count++] = (struct task){
                .domain = TAKE(list->parts[part].domains[i]),
                .part = (enum uses_part)part,
            };
        }
    }
    submit_batch(batch);
}

static void uses_list_take(struct host_call *call, bool current)
{
    (void)current;
    struct list_call *list = (struct list_call *)call;
    struct reading *reading = list->reading;
    bool good = call->ran && call->error.kind == LODGE_ERROR_NONE;
    take_tasks(reading, list->tasks, list->few, good);
    if (good && reading->is_wanted && list->few < list->count) {
        submit_batches(reading, list);
        reading->out--;
    } else if (!good || !reading->is_wanted) {
        reading_fails(reading, &call->error);
    }
    for (size_t part = 0; part < ARRAY_LENGTH(list->parts); part++) {
        for (size_t i = 0; i < list->parts[part].count; i++) {
            if (list->parts[part].domains[i] != NULL) {
                virDomainFree(list->parts[part].domains[i]);
            }
        }
        free(list->parts[part].domains);
    }
    if (reading->error.kind != LODGE_ERROR_NONE) {
        reading_ends(reading);
    } else if (reading->out == 0) {
        submit_follow(reading); /* there are few, or none */
    }
}

static void start_reading(void *owner)
{
    struct uses_desk *desk = owner;
    struct host *host = desk->host;
    if (desk->reading != NULL || desk->waiting == NULL) {
        return;
    }
    if (host->state != LODGE_HOST_UP) {
        uses_desk_end(desk, LODGE_ERROR_HOST_DOWN, "is not up");
        return;
    }
    if (desk->lost != NULL) {
        uses_desk_end(desk, LODGE_ERROR_TIMEOUT, "a file of one of its domains does not answer");
        return;
    }
    struct reading *reading = xcalloc(1, sizeof *reading);
    reading->host = host;
    reading->is_wanted = true;
    reading->asks = TAKE(desk->waiting);
    desk->last_waiting = &desk->waiting;
    reading->place = (struct storage_place){xstrdup(desk->place.pool), xstrdup(desk->place.dir)};
    reading->uses = uses_new();
    reading->uses->defined = atomic_load(&host->defined);
    desk->reading = reading;
    loop_timer_start(desk->deadline, DEADLINE_MS, 0);
    struct list_call *list = xcalloc(1, sizeof *list);
    list->call.run = run_list;
    list->call.done = uses_list_take;
    list->reading = reading;
    channel_submit(host, CHANNEL_SYNC, &list->call);
}

static void reading_is_late(void *owner)
{
    struct uses_desk *desk = owner;
    desk->lost = desk->reading;
    uses_desk_end(
        desk, LODGE_ERROR_TIMEOUT,
        "who uses which files was not found out within 2 minutes: libvirt, or a file of one "
        "of its domains, does not answer");
}

/* --- the desk --------------------------------------------------------------------------------- */

struct uses_desk *uses_desk_new(struct host *host)
{
    struct uses_desk *desk = xcalloc(1, sizeof *desk);
    desk->host = host;
    desk->last_waiting = &desk->waiting;
    desk->start = (struct loop_later){.run = start_reading, .owner = desk};
    desk->deadline = loop_timer_new(host->loop, reading_is_late, desk);
    return desk;
}

void uses_desk_end(struct uses_desk *desk, enum lodge_error_kind kind, const char *why)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, kind, "host '%s': %s", desk->host->name, why);
    struct uses_ask *asks = NULL;
    if (desk->reading != NULL) {
        asks = TAKE(desk->reading->asks);
        desk->reading->is_wanted = false;
        desk->reading = NULL;
    }
    loop_timer_stop(desk->deadline);
    struct uses_ask *waiting = TAKE(desk->waiting);
    desk->last_waiting = &desk->waiting;
    answer_asks(asks, NULL, &err);
    answer_asks(waiting, NULL, &err);
}

void uses_desk_free(struct uses_desk *desk)
{
    loop_later_cancel(desk->host->loop, &desk->start);
    loop_timer_free(desk->deadline);
    storage_place_clear(&desk->place);
    free(desk);
}

void host_ask_uses(struct host *host, const struct storage_place *place, uses_fn *answer,
                   void *data)
{
    struct uses_desk *desk = host->uses_desk;
    struct uses_ask *ask = xcalloc(1, sizeof *ask);
    ask->answer = answer;
    ask->data = data;
    *desk->last_waiting = ask;
    desk->last_waiting = &ask->next;
    if (desk->place.dir == NULL) {
        desk->place = (struct storage_place){xstrdup(place->pool), xstrdup(place->dir)};
    }
    loop_later(host->loop, &desk->start);
}
