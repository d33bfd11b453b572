/*
 * sync: one call on `sync` lists all domains. Their names are posted to the loop as soon as they
 * are known, their states when the call has them, both some at a time, so that a host of 10,000
 * does not hold the loop; and then the XML is asked for in batches (definitions.c).
 *
 * Events go on meanwhile and know better: a row that is older than its domain's last event
 * (`serial`) is not taken. Such a domain is asked alone, and so is one whose state the driver does
 * not tell in bulk. The call owns domains and rows, the letters what they carry.
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
#include "loop/turnstile.h"
#include "memory.h"

#include <string.h>

/* libvirt refuses more in one reply or request (REMOTE_DOMAIN_LIST_MAX is 16,384). */
enum { STATES_AT_ONCE = 16000 };

/* Domains of a letter: a millisecond or two of the loop. */
enum { LETTER_MOST = 256 };

struct sync_row {
    unsigned char uuid[UUID_SIZE];
    bool has_state;
    struct state_answer answer;
    char *name; /* in a letter of names */
};

struct sync_call {
    struct host_call call;        /* first */
    struct listed_domain *listed; /* by uuid … */
    struct sync_row *rows;        /* … and so are these */
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

static void note_state(struct sync_row *row, const virDomainStatsRecord *record)
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
        for (size_t i = 0; i < count; i++) {
            some[i] = sync->listed[first + i].domain;
        }
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
            note_state(row_of(sync, records[i]->dom), records[i]);
        }
        virDomainStatsRecordListFree(records);
    }
}

/* Of some domains, in the order of their uuids: the letters of a list come one after the other, the
 * call's own letter after them, and until that the call holds the host. The names go ahead of the
 * states, whose call has to wait when libvirtd's workers are all stuck. */
struct rows_letter {
    struct letter letter;
    struct host *host;
    uint64_t generation;
    uint64_t serial;
    bool is_last;
    bool has_states; /* else the names are told */
    size_t count;
    struct sync_row rows[];
};

/* A domain that was removed after the list had been asked for may still be on it. */
static void take_name(struct host *host, const struct sync_row *row, uint64_t serial)
{
    bool may_be_gone = host->last_gone > serial;
    struct domain *domain = domains_find(&host->domains, row->uuid);
    bool is_new = domain == NULL;
    domain = is_new ? domains_get(&host->domains, row->uuid) : domain;
    bool lacked =
        domain->lacks_state || domain->lacks_definition; /* it is on two halves of a list */
    domain->listed_in = host->generation;
    domain->lacks_state = true;
    domain->lacks_definition = true;
    host->lacking += !lacked;
    if (is_new && may_be_gone) {
        refresh_state(host, domain);
        refresh_definition(host, domain);
    } else {
        domain_report_name(host, domain, domain->last_event > serial ? NULL : row->name);
    }
}

static void take_state(struct host *host, const struct sync_row *row, uint64_t serial)
{
    struct domain *domain = domains_find(&host->domains, row->uuid);
    if (domain == NULL || !domain->lacks_state || domain->state.wanted || domain->state.out) {
        return; /* gone, told, or being asked alone */
    }
    if (row->has_state && domain->last_event <= serial) {
        domain_report_state(host, domain, &row->answer, true);
    } else {
        refresh_state(host, domain);
    }
}

/* Those whose name was not on the list. */
static void take_leave(struct host *host, uint64_t serial)
{
    for (struct domain *domain = host->domains.first, *next; domain != NULL && !host->ended;
         domain = next) {
        next = domain->next;
        if (domain->listed_in == host->generation) {
            continue;
        }
        if (domain->last_event > serial) {
            refresh_state(host, domain);
        } else {
            domain_report_gone(host, domain);
        }
    }
}

static void sync_take_rows(struct host *host, const struct rows_letter *rows)
{
    for (size_t i = 0; i < rows->count && !host->ended; i++) {
        (rows->has_states ? take_state : take_name)(host, &rows->rows[i], rows->serial);
    }
    if (rows->is_last && !rows->has_states) {
        take_leave(host, rows->serial);
        host->listed = true;
    }
}

static void deliver_rows(struct letter *letter)
{
    struct rows_letter *rows = (struct rows_letter *)letter;
    struct host *host = rows->host;
    if (!host->ended && rows->generation == host->generation) {
        sync_take_rows(host, rows);
    }
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->rows[i].name);
    }
    free(rows);
}

static void post_some(struct sync_call *sync, size_t first, bool has_states)
{
    size_t count = sync->count - first < LETTER_MOST ? sync->count - first : LETTER_MOST;
    struct rows_letter *rows = xcalloc(1, sizeof *rows + count * sizeof rows->rows[0]);
    rows->letter.deliver = deliver_rows;
    rows->host = sync->call.host;
    rows->generation = sync->call.generation;
    rows->serial = sync->call.serial;
    rows->is_last = first + count == sync->count;
    rows->has_states = has_states;
    rows->count = count;
    for (size_t i = 0; i < count; i++) {
        rows->rows[i] = sync->rows[first + i];
        rows->rows[i].name =
            has_states ? NULL : xstrdup(virDomainGetName(sync->listed[first + i].domain));
    }
    loop_post(sync->call.host->loop, &rows->letter);
}

/* An empty list is told too. */
static void post_rows(struct sync_call *sync, bool has_states)
{
    size_t first = 0;
    do {
        post_some(sync, first, has_states);
        first += LETTER_MOST;
    } while (first < sync->count);
}

/* Each uuid is asked for once: a sort that asked cost as much as reading a fifth of the XML. */
static void take_list(struct sync_call *sync, virDomainPtr *domains)
{
    sync->listed = xcalloc(sync->count + 1, sizeof *sync->listed);
    sync->rows = xcalloc(sync->count + 1, sizeof *sync->rows);
    for (size_t i = 0; i < sync->count; i++) {
        sync->listed[i].domain = domains[i];
        virDomainGetUUID(domains[i], sync->listed[i].uuid);
    }
    free(domains);
    qsort(sync->listed, sync->count, sizeof *sync->listed, by_uuid);
    for (size_t i = 0; i < sync->count; i++) {
        memcpy(sync->rows[i].uuid, sync->listed[i].uuid, UUID_SIZE);
        sync->rows[i].answer.persistent = true;
    }
}

static void fetch_all(struct sync_call *sync, virConnectPtr conn)
{
    virDomainPtr *domains = NULL;
    if (!domain_list(conn, 0, &domains, &sync->count, &sync->call.error)) {
        return;
    }
    take_list(sync, domains);
    post_rows(sync, false);
    read_states(sync);
    mark(sync, conn, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, mark_transient);
    if (mark(sync, conn, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, mark_autostart)) {
        for (size_t i = 0; i < sync->count; i++) {
            enum lodge_flag *autostart = &sync->rows[i].answer.autostart;
            *autostart = *autostart == LODGE_FLAG_UNKNOWN ? LODGE_FLAG_NO : *autostart;
        }
    }
    if (sync->call.error.kind == LODGE_ERROR_NONE) {
        post_rows(sync, true);
    }
}

static void sync_fetch(struct host_call *call, virConnectPtr conn)
{
    if (call->host->uri.made_here) {
        turnstile_enter();
    }
    fetch_all((struct sync_call *)call, conn);
    if (call->host->uri.made_here) {
        turnstile_leave();
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
            definitions_read(host, sync->listed, sync->count);
            if (sync->count == 0) {
                domain_report_synced(host);
            }
        }
    }
    for (size_t i = 0; i < sync->count; i++) {
        if (sync->listed[i].domain != NULL) {
            virDomainFree(sync->listed[i].domain);
        }
    }
    free(sync->listed);
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
