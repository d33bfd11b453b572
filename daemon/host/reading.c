/*
 * reading: one for each thing that is asked for, in host.readings as long as somebody waits or its
 * call is out. They begin at the end of a turn, in the order of the list, to whose end each goes
 * when it has been read: what is asked for all the time passes nobody. A call holds its reading,
 * and counts in host.readings.out, until it ends or its connection or its host is gone; what it
 * brings after that is nobody's. Loop-only, but for reading_fetch().
 */
#include "host/reading.h"
#include "host/channels.h"
#include "host/host_conn.h"
#include "host/readings.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <stdlib.h>

struct read_call {
    struct host_call call; /* first */
    struct host_reading *reading;
    void *answer;
};

struct host_reading {
    struct host_reading *previous, *next; /* in host.readings */
    struct host *host;
    const struct host_reading_kind *kind;
    void *about;
    struct rounds_kind round;
    struct rounds *rounds;  /* NULL when it is not in host.readings any more */
    struct read_call *call; /* that is out; NULL: none that counts */
    unsigned refs;          /* the list and each call */
};

/* The list */

static void unref_reading(struct host_reading *reading)
{
    if (--reading->refs > 0) {
        return;
    }
    if (reading->kind->gone != NULL) {
        reading->kind->gone(reading->about);
    }
    host_unref(reading->host);
    free(reading);
}

static void take_from_list(struct host_reading *reading)
{
    struct host_readings *list = &reading->host->readings;
    *(reading->previous == NULL ? &list->first : &reading->previous->next) = reading->next;
    *(reading->next == NULL ? &list->last : &reading->next->previous) = reading->previous;
}

static void add_to_list(struct host_reading *reading)
{
    struct host_readings *list = &reading->host->readings;
    reading->previous = list->last;
    reading->next = NULL;
    *(list->last == NULL ? &list->first : &list->last->next) = reading;
    list->last = reading;
}

static void watch_the_clock_for(struct host *host)
{
    uint64_t next = UINT64_MAX;
    const struct host_reading *reading = host->readings.first;
    for (; reading != NULL; reading = reading->next) {
        uint64_t deadline = rounds_deadline(reading->rounds);
        next = deadline != 0 && deadline < next ? deadline : next;
    }
    uint64_t now = loop_monotonic_ms();
    if (host->readings.timer != NULL && next == UINT64_MAX) {
        loop_timer_stop(host->readings.timer);
    } else if (host->readings.timer != NULL) {
        loop_timer_start(host->readings.timer, next > now ? next - now : 0, 0);
    }
}

/* Calls */

/* Its call is back, or counts for nothing. */
static void give_up_call(struct host_reading *reading)
{
    struct host *host = reading->host;
    if (reading->call == NULL) {
        return;
    }
    reading->call = NULL;
    host->readings.out--;
    host->readings.of_pools -= reading->kind->is_of_pools;
    take_from_list(reading);
    add_to_list(reading); /* those who have waited meanwhile go first */
    if (!host->ended) {
        loop_later(host->loop, &host->readings.look); /* it may be in the middle of being lost */
    }
}

/* On a worker. */
static void reading_fetch(struct host_call *call, virConnectPtr conn)
{
    struct read_call *read = (struct read_call *)call;
    const struct host_reading *reading = read->reading;
    struct host_conn lent = {call->host, conn};
    read->answer = reading->kind->read(&lent, reading->about, &call->error);
    if (read->answer == NULL && call->error.kind == LODGE_ERROR_NONE) {
        (void)lodge_fail(&call->error, LODGE_ERROR_INTERNAL, "libvirt gave no answer");
    }
}

static void reading_take(struct host_call *call, bool current)
{
    (void)current; /* it is what it was when it was read, whatever happened to the host since */
    struct read_call *read = (struct read_call *)call;
    struct host_reading *reading = read->reading;
    if (read->answer == NULL && call->error.kind == LODGE_ERROR_NONE) {
        (void)lodge_fail(&call->error, LODGE_ERROR_HOST_DOWN, "host '%s' went away",
                         call->host->name);
    }
    if (reading->call == read) {
        give_up_call(reading);
        rounds_end(reading->rounds, read->answer, read->answer == NULL ? &call->error : NULL);
    }
    if (read->answer != NULL) {
        reading->kind->free(read->answer);
    }
    unref_reading(reading);
}

/* Rounds */

static bool reading_may_begin(const void *owner)
{
    const struct host_reading *reading = owner;
    const struct host *host = reading->host;
    return host->readings.is_looking && host->readings.out < HOST_READ_CALLS &&
           !(reading->kind->is_of_pools && host->readings.of_pools > 0);
}

static void reading_begin(void *owner)
{
    struct host_reading *reading = owner;
    struct host *host = reading->host;
    struct read_call *read = xcalloc(1, sizeof *read);
    read->call.run = reading_fetch;
    read->call.done = reading_take;
    read->reading = reading;
    reading->call = read;
    reading->refs++;
    host->readings.out++;
    host->readings.of_pools += reading->kind->is_of_pools;
    channel_submit(host, channel_for_read(host), &read->call);
}

static void reading_is_idle(void *owner)
{
    struct host_reading *reading = owner;
    take_from_list(reading);
    rounds_free(TAKE(reading->rounds));
    unref_reading(reading);
}

static void reading_say_late(const void *owner, struct lodge_error *err)
{
    const struct host_reading *reading = owner;
    const struct host_reading_kind *kind = reading->kind;
    (void)lodge_fail(err, LODGE_ERROR_TIMEOUT, "libvirt on host '%s' %s within %u s%s%s",
                     reading->host->name, kind->late, kind->patience_ms / 1000,
                     kind->hint == NULL ? "" : ": ", kind->hint == NULL ? "" : kind->hint);
}

/* Asking */

static struct host_reading *find_reading(const struct host *host,
                                         const struct host_reading_kind *kind, const void *about)
{
    struct host_reading *reading = kind->is_same == NULL ? NULL : host->readings.first;
    while (reading != NULL && !(reading->kind == kind && kind->is_same(reading->about, about))) {
        reading = reading->next;
    }
    return reading;
}

static struct host_reading *make_reading(struct host *host, const struct host_reading_kind *kind,
                                         void *about)
{
    struct host_reading *reading = xcalloc(1, sizeof *reading);
    reading->host = host;
    reading->kind = kind;
    reading->about = about;
    reading->refs = 1;
    reading->round = (struct rounds_kind){
        .begin = reading_begin,
        .may_begin = reading_may_begin,
        .idle = reading_is_idle,
        .patience_ms = kind->patience_ms,
        .say_late = reading_say_late,
    };
    reading->rounds = rounds_new(&reading->round, reading);
    host_ref(host);
    add_to_list(reading);
    return reading;
}

void host_read(struct host *host, const struct host_reading_kind *kind, void *about,
               rounds_fn *answer, void *data)
{
    assert(loop_is_current());
    bool is_up = host->state == LODGE_HOST_UP && !host->ended;
    struct host_reading *reading = is_up ? find_reading(host, kind, about) : NULL;
    bool is_new = is_up && reading == NULL;
    if (!is_up) {
        struct lodge_error err = {0};
        (void)lodge_fail(&err, LODGE_ERROR_HOST_DOWN, "host '%s' is not connected", host->name);
        answer(data, NULL, &err);
    }
    if (!is_new && kind->gone != NULL) {
        kind->gone(about);
    }
    if (!is_up) {
        return;
    }
    reading = is_new ? make_reading(host, kind, about) : reading;
    rounds_join(reading->rounds, answer, data);
    loop_later(host->loop, &host->readings.look);
    watch_the_clock_for(host);
}

/* Of all */

void readings_look(void *owner)
{
    struct host *host = owner;
    host->readings.is_looking = host->state == LODGE_HOST_UP;
    for (struct host_reading *reading = host->readings.first, *next; reading != NULL;
         reading = next) {
        next = reading->next;
        rounds_look(reading->rounds);
    }
    host->readings.is_looking = false;
}

void readings_tick(void *owner)
{
    struct host *host = owner;
    uint64_t now = loop_monotonic_ms();
    for (struct host_reading *reading = host->readings.first, *next; reading != NULL;
         reading = next) {
        next = reading->next;
        rounds_tick(reading->rounds, now);
    }
    watch_the_clock_for(host);
}

void readings_lost(struct host *host, enum channel_name channel)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_HOST_DOWN, "the connection to host '%s' broke", host->name);
    for (struct host_reading *reading = host->readings.first, *next; reading != NULL;
         reading = next) {
        next = reading->next;
        if (reading->call != NULL && reading->call->call.channel == channel) {
            give_up_call(reading);
            rounds_end(reading->rounds, NULL, &err);
        }
    }
}

void readings_end(struct host *host, enum lodge_error_kind kind, const char *why)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, kind, "host '%s': %s", host->name, why);
    for (struct host_reading *reading = host->readings.first, *next; reading != NULL;
         reading = next) {
        next = reading->next;
        give_up_call(reading);
        rounds_drop(reading->rounds, &err);
    }
}
