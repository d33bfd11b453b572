/*
 * hung: one question on `watch`, and what its answer makes of the domains: `stuck_since` when a
 * guest's monitor was found occupied, `hung` when that has lasted HUNG_MS.
 *
 * host.stuck counts the former: so many lost calls of the lanes are explained by guests that hang.
 * The worker fills the call, domains are the loop's.
 */
#include "host/hung.h"
#include "host/channels.h"
#include "host/domain_list.h"
#include "host/libvirt_auto.h"
#include "host/task.h"
#include "log.h"
#include "memory.h"

#include <string.h>

enum { HUNG_MS = 2000 };

struct stuck_guest {
    unsigned char uuid[UUID_SIZE];
    int64_t for_ms;
};

struct hung_call {
    struct host_call call; /* first */
    bool at_all;
    struct ask_queue asked; /* unless all */
    struct stuck_guest *stuck;
    size_t count;
};

/* On a worker. */
static void ask_one(struct hung_call *hung, virDomainPtr domain)
{
    virDomainControlInfo info;
    if (domain != NULL && virDomainGetControlInfo(domain, &info, 0) == 0 &&
        info.state == VIR_DOMAIN_CONTROL_OCCUPIED) {
        hung->stuck = xrealloc(hung->stuck, (hung->count + 1) * sizeof *hung->stuck);
        struct stuck_guest *guest = &hung->stuck[hung->count++];
        virDomainGetUUID(domain, guest->uuid);
        guest->for_ms = (int64_t)info.stateTime;
    }
}

static void hung_fetch(struct host_call *call, virConnectPtr conn)
{
    struct hung_call *hung = (struct hung_call *)call;
    virDomainPtr *domains = NULL;
    size_t count = 0;
    if (hung->at_all) {
        if (domain_list(conn, VIR_CONNECT_LIST_DOMAINS_ACTIVE, &domains, &count, &call->error)) {
            for (size_t i = 0; i < count; i++) {
                ask_one(hung, domains[i]);
            }
            libvirt_domains_free(domains, count);
        }
        return;
    }
    for (size_t i = 0; i < hung->asked.count; i++) {
        AUTO(virDomainFree)
        virDomainPtr domain = virDomainLookupByUUID(conn, hung->asked.uuids[i]);
        ask_one(hung, domain);
    }
}

static void say_of_guest(const struct host *host, const struct domain *domain, const char *text)
{
    struct log_fields fields = {.host = host->name, .vm = domain->uuid_text};
    log_with(LOG_LEVEL_WARNING, LOG_HOST, &fields, "%s: %s", domain->name, text);
}

void hung_is_over(struct host *host, struct domain *domain)
{
    domain->stuck_since = 0;
    if (domain->hung) {
        domain->hung = false;
        say_of_guest(host, domain, "its QEMU answers again, or is gone");
        host->listener->domain_hung(host->owner, host->name, domain->uuid_text, 0);
    }
}

static void guest_is_stuck(struct host *host, const struct stuck_guest *guest, int64_t now_ms)
{
    struct domain *domain = domains_find(&host->domains, guest->uuid);
    if (domain == NULL) {
        return;
    }
    domain->round = host->round;
    if (domain->hung && guest->for_ms < HUNG_MS) {
        hung_is_over(host, domain); /* it answered, and then hung anew */
    }
    if (!domain->hung) {
        domain->stuck_since = now_ms - guest->for_ms;
    }
    if (guest->for_ms >= HUNG_MS && !domain->hung) {
        domain->hung = true;
        say_of_guest(host, domain, "its QEMU does not answer");
        host->listener->domain_hung(host->owner, host->name, domain->uuid_text,
                                    domain->stuck_since);
    }
}

static void hung_take(struct host_call *call, bool current)
{
    struct hung_call *hung = (struct hung_call *)call;
    struct host *host = call->host;
    host->hung_out = false;
    if (current && call->error.kind == LODGE_ERROR_NONE) {
        int64_t now_ms = loop_wall_ms();
        host->round++;
        for (size_t i = 0; i < hung->count && !host->ended; i++) {
            guest_is_stuck(host, &hung->stuck[i], now_ms);
        }
        host->stuck = 0;
        for (struct domain *domain = host->domains.first; domain != NULL && !host->ended;
             domain = domain->next) {
            if (domain->stuck_since != 0 && domain->round != host->round) {
                hung_is_over(host, domain);
            }
            host->stuck += domain->stuck_since != 0;
        }
        host->stuck_seen_ms = host->stuck > 0 ? loop_monotonic_ms() : host->stuck_seen_ms;
    }
    free(hung->stuck);
    ask_queue_clear(&hung->asked);
}

void host_doubt_guests(struct host *host)
{
    if (!host->ended) {
        hung_look(host, true);
    }
}

void hung_look(struct host *host, bool at_all)
{
    if (host->hung_out || !host->channels[CHANNEL_WATCH].is_open) {
        return;
    }
    struct hung_call *hung = xcalloc(1, sizeof *hung);
    hung->call.run = hung_fetch;
    hung->call.done = hung_take;
    hung->at_all = at_all;
    for (struct domain *domain = host->domains.first; !at_all && domain != NULL;
         domain = domain->next) {
        if (domain->stuck_since != 0) {
            ask_queue_add(&hung->asked, domain->uuid);
        }
    }
    host->hung_out = true;
    channel_submit(host, CHANNEL_WATCH, &hung->call);
}
