/*
 * reread.c: every second some definitions are read once more, all of a host's in turn.
 *
 * What `virsh … --config` changes, and a snapshot of a guest that is off, sends no event (libvirt
 * 9.0): without this it would be seen when libvirt is connected to the next time. Of a thousand
 * domains each has its turn within a minute. While one that was asked for is not back none is asked
 * for: a libvirt that hangs is not piled upon. Loop-only.
 */
#include "host/reread.h"

#include "host/refresh.h"

#include <string.h>

enum { EACH_MS = 1000, ROUND_S = 60, MOST = 17, UNSETTLED_AT_ONCE = 64 };

static bool is_being_read(const struct domain *domain)
{
    return domain->definition.wanted || domain->definition.out;
}

/* A look into the middle of a start or an end tells of a moment: what it was about is asked again,
 * whether its event was heard or not. */
static void look_at_unsettled(struct host *host)
{
    unsigned char uuids[UNSETTLED_AT_ONCE][UUID_SIZE];
    size_t count = ask_queue_take(&host->unsettled, uuids, UNSETTLED_AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        struct domain *domain = domains_find(&host->domains, uuids[i]);
        if (domain != NULL) {
            refresh_state(host, domain);
        }
    }
}

void reread_look(void *owner)
{
    struct host *host = owner;
    look_at_unsettled(host);
    const struct domain *last = domains_find(&host->domains, host->reread_last);
    if (host->recheck_round != NULL && !host->reread_gave_way) {
        host->reread_gave_way = true; /* once: its lists are of the same domains */
        return;
    }
    host->reread_gave_way = false;
    if (!host->synced || (last != NULL && is_being_read(last))) {
        return;
    }
    size_t due = host->domains.count / ROUND_S + 1;
    for (due = due < MOST ? due : MOST; due > 0; due--) {
        if (host->reread_next == NULL) {
            host->reread_next = host->domains.first;
        }
        struct domain *domain = host->reread_next;
        if (domain == NULL) {
            return;
        }
        host->reread_next = domain->next;
        if (!is_being_read(domain) && domain->told && !domain->hung) {
            memcpy(host->reread_last, domain->uuid, sizeof host->reread_last);
            refresh_definition(host, domain);
        }
    }
}

void reread_forget(struct host *host, const struct domain *domain)
{
    if (host->reread_next == domain) {
        host->reread_next = domain->next;
    }
}

void reread_start(struct host *host)
{
    loop_timer_start(host->reread, EACH_MS, EACH_MS);
}

void reread_stop(struct host *host)
{
    loop_timer_stop(host->reread);
}
