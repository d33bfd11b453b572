/*
 * recheck: a round asks for one list after the other, and is compared when the last has come; what
 * differs becomes a doubt, and doubts that no event has settled in a second are asked, each alone.
 *
 * Domains with an event since the round began are passed over: they are asked anyway. Workers copy
 * uuids; rounds and doubts are the host's, on the loop.
 */
#include "host/recheck.h"
#include "host/channels.h"
#include "host/domain_list.h"
#include "host/domain_report.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_state.h"
#include "host/refresh.h"
#include "memory.h"
#include "scope.h"

#include <string.h>

/* Events come up to 3 ms after the call that made them returns; a busy machine is slower. */
enum { DOUBT_MS = 1000 };
enum { AUTOSTART_LIST = LIBVIRT_LISTS, LISTS };

/* One list a call, so that an event's question waits for one of them at most. */
struct recheck_round {
    uint64_t generation;
    uint64_t serial; /* host.serial when it began */
    struct {
        unsigned char (*uuids)[UUID_SIZE];
        size_t count;
    } lists[LISTS];
};

struct recheck_call {
    struct host_call call; /* first */
    int list;
    unsigned char (*uuids)[UUID_SIZE];
    size_t count;
};

/* On a worker. */
static void recheck_fetch(struct host_call *call, virConnectPtr conn)
{
    struct recheck_call *recheck = (struct recheck_call *)call;
    virDomainPtr *domains = NULL;
    size_t count = 0;
    unsigned flag = recheck->list == AUTOSTART_LIST
                        ? (unsigned)VIR_CONNECT_LIST_DOMAINS_AUTOSTART
                        : libvirt_list_flag((enum libvirt_list)recheck->list);
    if (!domain_list(conn, flag, &domains, &count, &call->error)) {
        return; /* a driver without this list has no recheck */
    }
    recheck->uuids = xcalloc(count + 1, UUID_SIZE);
    recheck->count = count;
    for (size_t i = 0; i < count; i++) {
        virDomainGetUUID(domains[i], recheck->uuids[i]);
    }
    libvirt_domains_free(domains, count);
}

static void round_free(struct recheck_round *round)
{
    for (int list = 0; round != NULL && list < LISTS; list++) {
        free(round->lists[list].uuids);
    }
    free(round);
}

/* Events since the lists were asked for have their domain asked again anyway. */
static bool is_quiet(const struct recheck_round *recheck, const struct domain *domain)
{
    return domain->last_event <= recheck->serial && !domain->state.wanted && !domain->state.out &&
           !domain->lacks_state;
}

/* There is no event for it in libvirt 9: taking it over is no repair. */
static void take_autostart(struct host *host, struct domain *domain, enum lodge_flag autostart)
{
    if (domain->autostart == autostart || domain->libvirt_state < 0) {
        return;
    }
    struct state_answer answer = {
        .state = domain->libvirt_state,
        .reason = domain->libvirt_reason,
        .persistent = domain->persistent,
        .run = domain->run,
        .autostart = autostart,
    };
    domain_report_state(host, domain, &answer, false);
}

static void compare_lists(struct host *host, const struct recheck_round *recheck)
{
    uint64_t round = ++host->round;
    for (int list = 0; list < LIBVIRT_LISTS; list++) {
        for (size_t i = 0; i < recheck->lists[list].count; i++) {
            const unsigned char *uuid = recheck->lists[list].uuids[i];
            struct domain *domain = domains_find(&host->domains, uuid);
            if (domain == NULL) {
                ask_queue_add(&host->doubts, uuid);
                continue;
            }
            domain->round = round;
            domain->has_autostart = false;
            if (is_quiet(recheck, domain) && (int)libvirt_list_of(domain->libvirt_state) != list) {
                ask_queue_add(&host->doubts, uuid);
            }
        }
    }
    for (size_t i = 0; i < recheck->lists[AUTOSTART_LIST].count; i++) {
        struct domain *domain =
            domains_find(&host->domains, recheck->lists[AUTOSTART_LIST].uuids[i]);
        if (domain != NULL) {
            domain->has_autostart = true;
        }
    }
    for (struct domain *domain = host->domains.first; domain != NULL && !host->ended;
         domain = domain->next) {
        if (!is_quiet(recheck, domain)) {
            continue;
        }
        if (domain->round != round) {
            ask_queue_add(&host->doubts, domain->uuid);
        } else {
            take_autostart(host, domain, domain->has_autostart ? LODGE_FLAG_YES : LODGE_FLAG_NO);
        }
    }
}

static void round_is_complete(struct host *host)
{
    struct recheck_round *round = TAKE(host->recheck_round);
    if (host->listed) {
        host->counts.rechecks++;
        host->doubts_serial = round->serial;
        compare_lists(host, round);
        if (host->doubts.count > 0 && !host->ended) {
            loop_timer_start(host->doubt, DOUBT_MS, 0);
        }
    }
    round_free(round);
}

static void ask_for_list(struct host *host, int list);

static void recheck_take(struct host_call *call, bool current)
{
    struct recheck_call *recheck = (struct recheck_call *)call;
    struct host *host = call->host;
    struct recheck_round *round = host->recheck_round;
    if (round == NULL || round->generation != call->generation) {
        free(recheck->uuids);
        return;
    }
    if (!current || call->error.kind != LODGE_ERROR_NONE) {
        free(recheck->uuids);
        round_free(TAKE(host->recheck_round));
        return;
    }
    round->lists[recheck->list].uuids = recheck->uuids;
    round->lists[recheck->list].count = recheck->count;
    if (recheck->list + 1 < LISTS) {
        ask_for_list(host, recheck->list + 1);
    } else {
        round_is_complete(host);
    }
}

static void ask_for_list(struct host *host, int list)
{
    struct recheck_call *recheck = xcalloc(1, sizeof *recheck);
    recheck->call.run = recheck_fetch;
    recheck->call.done = recheck_take;
    recheck->list = list;
    channel_submit(host, CHANNEL_WATCH, &recheck->call);
}

void recheck_ask(struct host *host)
{
    if (host->recheck_round != NULL || host->doubts.count > 0 ||
        !host->channels[CHANNEL_WATCH].is_open) {
        return;
    }
    host->recheck_round = xcalloc(1, sizeof *host->recheck_round);
    host->recheck_round->generation = host->generation;
    host->recheck_round->serial = host->serial;
    ask_for_list(host, 0);
}

void recheck_doubts(void *owner)
{
    struct host *host = owner;
    unsigned char uuid[1][UUID_SIZE];
    bool has_events = libvirt_connection_has_events(host->channels[CHANNEL_WATCH].connection);
    while (ask_queue_take(&host->doubts, uuid, 1) > 0) {
        struct domain *domain = domains_find(&host->domains, uuid[0]);
        bool is_new = domain == NULL;
        if (!is_new && domain->last_event > host->doubts_serial) {
            continue;
        }
        domain = domains_get(&host->domains, uuid[0]);
        domain->doubted = has_events;
        refresh_state(host, domain);
        refresh_definition(host, domain);
    }
}

void recheck_start(struct host *host)
{
    uint64_t interval_ms = host->options.settings.sync_interval_s * UINT64_C(1000);
    loop_timer_start(host->recheck, interval_ms, interval_ms);
}

void recheck_stop(struct host *host)
{
    loop_timer_stop(host->recheck);
    loop_timer_stop(host->doubt);
    ask_queue_clear(&host->doubts);
    round_free(TAKE(host->recheck_round));
}
