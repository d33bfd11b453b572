/*
 * sync: one call on `sync` lists all domains. Their names are posted to the loop as soon as they
 * are known, their states come when the call is done, and then the XML is asked for in batches
 * (definitions.c).
 *
 * Events go on meanwhile and know better: a row that is older than its domain's last event
 * (`serial`) is not taken. Such a domain is asked alone, and so is one whose state the driver does
 * not tell in bulk. The call owns domains and rows, the letter its names.
 */
#include "host/sync.h"
#include "host/channels.h"
#include "host/definitions.h"
#include "host/domain_list.h"
#include "host/domain_report.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/refresh.h"
#include "log.h"
#include "memory.h"

#include <string.h>

/* libvirt refuses more in one reply or request (REMOTE_DOMAIN_LIST_MAX is 16,384). */
enum { STATES_AT_ONCE = 16000 };

struct sync_row {
    unsigned char uuid[UUID_SIZE];
    bool has_state;
    struct state_answer answer;
};

struct sync_call {
    struct host_call call; /* first */
    virDomainPtr *domains;
    struct sync_row *rows; /* of the domains, by uuid */
    size_t count;
};

static int by_uuid(const void *left, const void *right)
{
    return memcmp(left, right, UUID_SIZE);
}

static struct sync_row *row_of(struct sync_call *sync, virDomainPtr domain)
{
    unsigned char uuid[UUID_SIZE];
    if (sync->count == 0 || virDomainGetUUID(domain, uuid) < 0) {
        return NULL;
    }
    return bsearch(uuid, sync->rows, sync->count, sizeof *sync->rows, by_uuid);
}

/* Marks those that one list by filter holds; false if the driver has no such filter. */
static bool mark(struct sync_call *sync, virConnectPtr conn, unsigned flag,
                 void (*each)(struct sync_row *row))
{
    virDomainPtr *domains = NULL;
    size_t count = 0;
    struct lodge_error err = {0};
    if (!domain_list(conn, flag, &domains, &count, &err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct sync_row *row = row_of(sync, domains[i]);
        if (row != NULL) {
            each(row);
        }
    }
    libvirt_domains_free(domains, count);
    return true;
}

static void mark_autostart(struct sync_row *row)
{
    row->answer.autostart = LODGE_FLAG_YES;
}

static void mark_transient(struct sync_row *row)
{
    row->answer.persistent = false;
}

static void take_state(struct sync_row *row, const virDomainStatsRecord *record)
{
    int reason = 0;
    if (row != NULL && virTypedParamsGetInt(record->params, record->nparams, "state.state",
                                            &row->answer.state) == 1) {
        virTypedParamsGetInt(record->params, record->nparams, "state.reason", &reason);
        row->answer.reason = reason;
        row->answer.run = libvirt_run(record->dom);
        row->has_state = true;
    }
}

/* Rows that get no state here are asked alone: a driver may have no bulk statistics. */
static void read_states(struct sync_call *sync)
{
    for (size_t first = 0; first < sync->count; first += STATES_AT_ONCE) {
        size_t count = sync->count - first < STATES_AT_ONCE ? sync->count - first : STATES_AT_ONCE;
        AUTO(free) virDomainPtr *some = xcalloc(count + 1, sizeof(virDomainPtr));
        memcpy(some, sync->domains + first, count * sizeof(virDomainPtr));
        virDomainStatsRecordPtr *records = NULL;
        int got = virDomainListGetStats(some, VIR_DOMAIN_STATS_STATE, &records, 0);
        if (got < 0) {
            struct lodge_error err = {0};
            libvirt_fail(&err, "cannot read the domains' states at once");
            bool only_this =
                err.kind == LODGE_ERROR_UNSUPPORTED || err.kind == LODGE_ERROR_NOT_FOUND;
            if (!only_this && sync->call.error.kind == LODGE_ERROR_NONE) {
                sync->call.error = err;
            }
            return;
        }
        for (int i = 0; i < got; i++) {
            take_state(row_of(sync, records[i]->dom), records[i]);
        }
        virDomainStatsRecordListFree(records);
    }
}

/* The names go ahead of the states, whose call has to wait when libvirtd's workers are all stuck.
 */
struct names_letter {
    struct letter letter;
    struct host *host; /* held by the call, whose own letter comes after this one */
    uint64_t generation;
    uint64_t serial;
    size_t count;
    struct {
        unsigned char uuid[UUID_SIZE];
        char *name;
    } rows[];
};

/* A domain that was removed after the list had been asked for may still be on it. */
static void take_name(struct host *host, const struct names_letter *names, size_t i)
{
    bool may_be_gone = host->last_gone > names->serial;
    struct domain *domain = domains_find(&host->domains, names->rows[i].uuid);
    bool is_new = domain == NULL;
    domain = is_new ? domains_get(&host->domains, names->rows[i].uuid) : domain;
    domain->round = host->round;
    domain->lacks_state = true;
    domain->lacks_definition = true;
    host->lacking++;
    if (is_new && may_be_gone) {
        refresh_state(host, domain);
        refresh_definition(host, domain);
    } else {
        domain_report_name(host, domain,
                           domain->last_event > names->serial ? NULL : names->rows[i].name);
    }
}

static void sync_take_names(struct host *host, const struct names_letter *names)
{
    host->round++;
    for (size_t i = 0; i < names->count && !host->ended; i++) {
        take_name(host, names, i);
    }
    for (struct domain *domain = host->domains.first, *next; domain != NULL && !host->ended;
         domain = next) {
        next = domain->next;
        if (domain->round == host->round) {
            continue;
        }
        if (domain->last_event > names->serial) {
            refresh_state(host, domain);
        } else {
            domain_report_gone(host, domain);
        }
    }
    host->listed = true;
}

static void deliver_names(struct letter *letter)
{
    struct names_letter *names = (struct names_letter *)letter;
    struct host *host = names->host;
    if (!host->ended && names->generation == host->generation) {
        sync_take_names(host, names);
    }
    for (size_t i = 0; i < names->count; i++) {
        free(names->rows[i].name);
    }
    free(names);
}

static void post_names(struct sync_call *sync)
{
    struct names_letter *names = xcalloc(1, sizeof *names + sync->count * sizeof names->rows[0]);
    names->letter.deliver = deliver_names;
    names->host = sync->call.host;
    names->generation = sync->call.generation;
    names->serial = sync->call.serial;
    names->count = sync->count;
    for (size_t i = 0; i < sync->count; i++) {
        memcpy(names->rows[i].uuid, sync->rows[i].uuid, UUID_SIZE);
        names->rows[i].name = xstrdup(virDomainGetName(sync->domains[i]));
    }
    loop_post(sync->call.host->loop, &names->letter);
}

struct listed {
    unsigned char uuid[UUID_SIZE]; /* first: by_uuid() compares it */
    virDomainPtr domain;
};

/* Each uuid is asked for once: libvirt formats a line for its log in every such call, which made a
 * sort that asked cost as much as reading a fifth of the XML. */
static void sort_by_uuid(struct sync_call *sync)
{
    AUTO(free) struct listed *listed = xcalloc(sync->count + 1, sizeof *listed);
    for (size_t i = 0; i < sync->count; i++) {
        listed[i].domain = sync->domains[i];
        virDomainGetUUID(sync->domains[i], listed[i].uuid);
    }
    qsort(listed, sync->count, sizeof *listed, by_uuid);
    sync->rows = xcalloc(sync->count + 1, sizeof *sync->rows);
    for (size_t i = 0; i < sync->count; i++) {
        sync->domains[i] = listed[i].domain;
        memcpy(sync->rows[i].uuid, listed[i].uuid, UUID_SIZE);
        sync->rows[i].answer.persistent = true;
    }
}

static void sync_fetch(struct host_call *call, virConnectPtr conn)
{
    struct sync_call *sync = (struct sync_call *)call;
    if (!domain_list(conn, 0, &sync->domains, &sync->count, &call->error)) {
        return;
    }
    sort_by_uuid(sync);
    post_names(sync);
    read_states(sync);
    mark(sync, conn, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, mark_transient);
    if (mark(sync, conn, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, mark_autostart)) {
        for (size_t i = 0; i < sync->count; i++) {
            enum lodge_flag *autostart = &sync->rows[i].answer.autostart;
            *autostart = *autostart == LODGE_FLAG_UNKNOWN ? LODGE_FLAG_NO : *autostart;
        }
    }
}

static void take_states(struct host *host, const struct sync_call *sync)
{
    for (size_t i = 0; i < sync->count && !host->ended; i++) {
        const struct sync_row *row = &sync->rows[i];
        struct domain *domain = domains_find(&host->domains, row->uuid);
        if (domain == NULL || !domain->lacks_state || domain->state.wanted || domain->state.out) {
            continue; /* gone, told, or being asked alone */
        }
        if (row->has_state && domain->last_event <= sync->call.serial) {
            domain_report_state(host, domain, &row->answer, true);
        } else {
            refresh_state(host, domain);
        }
    }
}

static void sync_take(struct host_call *call, bool current)
{
    struct sync_call *sync = (struct sync_call *)call;
    struct host *host = call->host;
    if (current) {
        host->syncing = false;
        if (call->error.kind != LODGE_ERROR_NONE) {
            log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = host->name}, "%s",
                     call->error.message);
            host_retry_later(host);
        } else {
            take_states(host, sync);
            if (!host->ended) {
                definitions_read(host, sync->domains, sync->count);
            }
            if (!host->ended && sync->count == 0) {
                domain_report_synced(host);
            }
        }
    }
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->domains[i] != NULL) {
            virDomainFree(sync->domains[i]);
        }
    }
    free(sync->domains);
    free(sync->rows);
}

void sync_start(struct host *host)
{
    host->generation++;
    host->syncing = true;
    host->listed = false;
    host->synced = false;
    refresh_reset(host);
    struct sync_call *sync = xcalloc(1, sizeof *sync);
    sync->call.run = sync_fetch;
    sync->call.done = sync_take;
    channel_submit(host, CHANNEL_SYNC, &sync->call);
}
