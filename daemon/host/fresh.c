/*
 * fresh: who waits hangs in host.fresh, the oldest first, until state and definition have both been
 * told by calls that were sent after they were asked for, until the host goes, or for FRESH_MS.
 *
 * states.c and definitions.c drop an answer that is older than the last question of its domain, so
 * the next that is told is new enough. Domains are remembered by uuid: they may go. Loop-only.
 */
#include "host/fresh.h"

#include "host/refresh.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRESH_MS = 2000 };

/* Whoever asks for VMs all the time has each read again so often, and holds up nobody who waits for
 * one to be read: beyond so many calls the round (reread.c) has to do. */
enum { BESIDE_MS = 1000, BESIDE_MOST = 8 };

struct fresh {
    struct fresh *next;
    unsigned char uuid[UUID_SIZE];
    bool has_state, has_definition;
    uint64_t deadline; /* monotonic ms */
    host_fresh_fn *answer;
    void *data;
};

static void watch_the_clock(struct host *host)
{
    const struct fresh *first = host->fresh;
    uint64_t now = loop_monotonic_ms();
    if (host->fresh_timer == NULL) {
        return;
    }
    if (first == NULL) {
        loop_timer_stop(host->fresh_timer);
    } else {
        loop_timer_start(host->fresh_timer, first->deadline > now ? first->deadline - now : 0, 0);
    }
}

/* Takes those of `place` out that are answered; who hears may ask again, at the end of the list. */
static void answer_those(struct host *host,
                         bool (*is_meant)(const struct fresh *fresh, const void *by),
                         const void *by, const struct lodge_error *error)
{
    struct fresh *answered = NULL;
    struct fresh **last = &answered;
    struct fresh **place = &host->fresh;
    while (*place != NULL) {
        struct fresh *fresh = *place;
        if (is_meant(fresh, by)) {
            *place = fresh->next;
            *last = fresh;
            last = &fresh->next;
        } else {
            place = &fresh->next;
        }
    }
    *last = NULL;
    if (answered == NULL) {
        return;
    }
    watch_the_clock(host);
    for (struct fresh *fresh = answered, *next; fresh != NULL; fresh = next) {
        next = fresh->next;
        fresh->answer(fresh->data, error);
        free(fresh);
    }
}

static bool fresh_is_whole_of(const struct fresh *fresh, const void *uuid)
{
    return fresh->has_state && fresh->has_definition && memcmp(fresh->uuid, uuid, UUID_SIZE) == 0;
}

static bool fresh_is_of(const struct fresh *fresh, const void *uuid)
{
    return memcmp(fresh->uuid, uuid, UUID_SIZE) == 0;
}

static bool fresh_is_any(const struct fresh *fresh, const void *nothing)
{
    (void)fresh;
    (void)nothing;
    return true;
}

static bool fresh_is_late(const struct fresh *fresh, const void *now)
{
    return fresh->deadline <= *(const uint64_t *)now;
}

void fresh_has_state(struct host *host, const struct domain *domain)
{
    for (struct fresh *fresh = host->fresh; fresh != NULL; fresh = fresh->next) {
        fresh->has_state |= fresh_is_of(fresh, domain->uuid);
    }
    answer_those(host, fresh_is_whole_of, domain->uuid, NULL);
}

void fresh_has_definition(struct host *host, const struct domain *domain)
{
    for (struct fresh *fresh = host->fresh; fresh != NULL; fresh = fresh->next) {
        fresh->has_definition |= fresh_is_of(fresh, domain->uuid);
    }
    answer_those(host, fresh_is_whole_of, domain->uuid, NULL);
}

void fresh_failed(struct host *host, const struct domain *domain, const struct lodge_error *error)
{
    answer_those(host, fresh_is_of, domain->uuid, error);
}

void fresh_is_gone(struct host *host, const unsigned char *uuid)
{
    answer_those(host, fresh_is_of, uuid, NULL);
}

void fresh_end(struct host *host, enum lodge_error_kind kind, const char *why)
{
    struct lodge_error err = {0};
    (void)lodge_fail(&err, kind, "host '%s': %s", host->name, why);
    answer_those(host, fresh_is_any, NULL, &err);
}

void fresh_look(void *owner)
{
    struct host *host = owner;
    uint64_t now = loop_monotonic_ms();
    struct lodge_error err = {0};
    (void)lodge_fail(&err, LODGE_ERROR_TIMEOUT,
                     "libvirt on host '%s' has not told of it within %d s", host->name,
                     FRESH_MS / 1000);
    answer_those(host, fresh_is_late, &now, &err);
    watch_the_clock(host);
}

bool host_refresh_beside(struct host *host, const char *uuid)
{
    unsigned char key[UUID_SIZE];
    struct domain *domain = domains_uuid(uuid, key) ? domains_find(&host->domains, key) : NULL;
    bool is_idle = domain != NULL && !domain->definition.wanted && !domain->definition.out;
    bool is_due = is_idle && loop_monotonic_ms() >= domain->beside_at;
    if (!is_due || !host->synced || domain->hung ||
        host->channels[CHANNEL_SYNC].out >= BESIDE_MOST) {
        return false;
    }
    domain->beside_at = loop_monotonic_ms() + BESIDE_MS;
    refresh_definition(host, domain);
    return true;
}

void host_fresh(struct host *host, const char *uuid, host_fresh_fn *answer, void *data)
{
    struct fresh *fresh = xcalloc(1, sizeof *fresh);
    if (host->state != LODGE_HOST_UP || host->ended || !domains_uuid(uuid, fresh->uuid)) {
        struct lodge_error err = {0};
        free(fresh);
        (void)lodge_fail(&err, LODGE_ERROR_HOST_DOWN, "host '%s' is not connected", host->name);
        answer(data, &err);
        return;
    }
    fresh->answer = answer;
    fresh->data = data;
    fresh->deadline = loop_monotonic_ms() + FRESH_MS;
    struct fresh **place = &host->fresh;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = fresh;
    watch_the_clock(host);
    struct domain *domain = domains_get(&host->domains, fresh->uuid);
    refresh_state(host, domain);
    refresh_definition(host, domain);
}
