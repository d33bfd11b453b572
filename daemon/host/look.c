/*
 * look: a question about a domain is `wanted` until it is sent and `out` until it is answered.
 * Wanted while it is out: its answer is out of date, so it is dropped and the domain asked anew.
 *
 * host.lacking counts the domains that have not told both state and XML since the connection came
 * up; at 0 the host is synced. Workers fill the call; domains and what is told of them are the
 * loop's.
 */
#include "host/look.h"
#include "host/definitions.h"
#include "host/fresh.h"
#include "host/guest/trial.h"
#include "host/hung.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/libvirt_state.h"
#include "host/reread.h"
#include "host/roles.h"
#include "log.h"
#include "memory.h"

#include <string.h>

/* A domain that is being destroyed is locked for up to 17 s, and so is the call that asks for it:
 * in a storm few others may have to wait with it, else none. */
enum { LOOKS = 8, STORM = 32 };

struct look {
    unsigned char uuid[UUID_SIZE];
    enum { LOOK_FAILED, LOOK_GONE, LOOK_DONE } end;
    struct state_answer answer;
    char *name;
};

struct look_call {
    struct host_call call; /* first */
    size_t count;
    struct look looks[LOOKS];
};

static void log_domain(enum log_level level, const struct host *host, const struct domain *domain,
                       const char *text)
{
    struct log_fields fields = {.host = host->name, .vm = domain->uuid_text};
    log_with(level, LOG_HOST, &fields, "%s: %s", domain->name, text);
}

static void report_state(struct host *host, const struct domain *domain, bool seen_change)
{
    struct domain_state_report report = {
        .uuid = domain->uuid_text,
        .name = domain->name,
        .state = LODGE_VM_UNKNOWN,
        .autostart = domain->autostart,
        .persistent = domain->persistent,
        .run = domain->run,
        .seen_change = seen_change,
    };
    if (domain->libvirt_state >= 0) {
        report.state = libvirt_state(domain->libvirt_state);
        report.reason = libvirt_reason(domain->libvirt_state, domain->libvirt_reason);
    }
    host->listener->domain_state(host->owner, host->name, &report);
}

static void tell(struct host *host, struct domain *domain, bool seen_change)
{
    if (!domain->told) {
        trial_may_be(host, domain);
    }
    domain->told = true;
    report_state(host, domain, seen_change);
}

void look_tell_name(struct host *host, struct domain *domain, const char *name)
{
    bool renamed = name != NULL && domain_set_name(domain, name);
    if (!domain->told || renamed) {
        tell(host, domain, false);
    }
}

void look_tell_state(struct host *host, struct domain *domain, const struct state_answer *answer,
                     bool anew)
{
    bool was_known = domain->libvirt_state >= 0;
    bool renamed = answer->name != NULL && domain_set_name(domain, answer->name);
    bool differs = domain->libvirt_state != answer->state ||
                   domain->libvirt_reason != answer->reason || domain->run != answer->run;
    bool other = renamed || domain->autostart != answer->autostart ||
                 domain->persistent != answer->persistent;
    if (domain->doubted && (differs || renamed)) {
        host->counts.repaired++;
        log_domain(LOG_LEVEL_WARNING, host, domain,
                   "its state had changed without an event; repaired");
    }
    bool seen_change = domain->moved || (was_known && differs);
    domain->libvirt_state = answer->state;
    domain->libvirt_reason = answer->reason;
    domain->autostart = answer->autostart;
    domain->persistent = answer->persistent;
    domain->run = answer->run;
    domain->moved = false;
    domain->doubted = false;
    if (libvirt_state_passes(answer->state, answer->reason)) {
        ask_queue_add(&host->unsettled, domain->uuid);
    }
    if (anew || seen_change || differs || other || !domain->told) {
        tell(host, domain, seen_change);
    }
    if (libvirt_state(answer->state) != LODGE_VM_RUNNING) {
        hung_is_over(host, domain);
    }
    look_has_state(host, domain);
}

void look_say_synced(struct host *host)
{
    if (host->listed && !host->synced && host->lacking == 0) {
        host->synced = true;
        host->failures = 0;
        host->listener->synced(host->owner, host->name);
    }
}

void look_tell_gone(struct host *host, struct domain *domain)
{
    if (domain->doubted && domain->told) {
        host->counts.repaired++;
        log_domain(LOG_LEVEL_WARNING, host, domain, "it was gone without an event; repaired");
    }
    host->last_gone = ++host->serial;
    bool told = domain->told;
    char uuid[sizeof domain->uuid_text];
    memcpy(uuid, domain->uuid_text, sizeof uuid);
    hung_is_over(host, domain);
    look_has_state(host, domain);
    look_has_definition(host, domain);
    reread_forget(host, domain);
    unsigned char key[UUID_SIZE];
    memcpy(key, domain->uuid, sizeof key);
    domains_remove(&host->domains, domain);
    if (told) {
        host->listener->domain_gone(host->owner, host->name, uuid);
    }
    fresh_is_gone(host, key);
}

void look_has_state(struct host *host, struct domain *domain)
{
    if (domain->lacks_state) {
        domain->lacks_state = false;
        host->lacking -= !domain->lacks_definition;
    }
    look_say_synced(host);
}

void look_has_definition(struct host *host, struct domain *domain)
{
    if (domain->lacks_definition) {
        domain->lacks_definition = false;
        host->lacking -= !domain->lacks_state;
    }
    look_say_synced(host);
}

static bool is_at_odds(const struct state_answer *answer)
{
    bool is_off = libvirt_state(answer->state) == LODGE_VM_SHUTOFF;
    return is_off == (answer->run != LODGE_UNKNOWN);
}

/* The id is of when it was looked up, the state of a moment later: a start or an end in between is
 * looked at again. A libvirt that goes on saying so is believed. */
static bool look_up(struct look *look, virConnectPtr conn, virDomainPtr *ret_domain)
{
    enum { TRIES = 3 };
    for (int i = 0; i < TRIES; i++) {
        if (*ret_domain != NULL) {
            virDomainFree(*ret_domain);
        }
        *ret_domain = virDomainLookupByUUID(conn, look->uuid);
        if (*ret_domain == NULL ||
            virDomainGetState(*ret_domain, &look->answer.state, &look->answer.reason, 0) < 0) {
            return false;
        }
        look->answer.run = libvirt_run(*ret_domain);
        if (!is_at_odds(&look->answer)) {
            break;
        }
    }
    return true;
}

/* On a worker. */
static void look_once(struct look *look, virConnectPtr conn, struct lodge_error *call_error)
{
    AUTO(virDomainFree) virDomainPtr domain = NULL;
    int autostart = 0;
    if (!look_up(look, conn, &domain)) {
        struct lodge_error err = {0};
        libvirt_fail(&err, "cannot read a domain's state");
        look->end = err.kind == LODGE_ERROR_NOT_FOUND ? LOOK_GONE : LOOK_FAILED;
        if (look->end == LOOK_FAILED && call_error->kind == LODGE_ERROR_NONE) {
            *call_error = err;
        }
        return;
    }
    look->end = LOOK_DONE;
    look->name = xstrdup(virDomainGetName(domain));
    look->answer.name = look->name;
    look->answer.persistent = virDomainIsPersistent(domain) == 1;
    look->answer.autostart = virDomainGetAutostart(domain, &autostart) < 0 ? LODGE_FLAG_UNKNOWN
                             : autostart                                   ? LODGE_FLAG_YES
                                                                           : LODGE_FLAG_NO;
}

static void run(struct host_call *call, virConnectPtr conn)
{
    struct look_call *looks = (struct look_call *)call;
    for (size_t i = 0; i < looks->count; i++) {
        look_once(&looks->looks[i], conn, &call->error);
    }
}

static void apply(struct host *host, const struct look *look, const struct lodge_error *error)
{
    struct domain *domain = domains_find(&host->domains, look->uuid);
    if (domain == NULL) {
        return;
    }
    domain->state.out = false;
    if (domain->state.wanted) {
        domain->state.wanted = false;
        look_at_state(host, domain);
    } else if (look->end == LOOK_DONE) {
        look_tell_state(host, domain, &look->answer, domain->lacks_state);
        fresh_has_state(host, domain);
    } else if (look->end == LOOK_GONE) {
        look_tell_gone(host, domain);
    } else {
        log_domain(LOG_LEVEL_WARNING, host, domain, error->message);
        look_has_state(host, domain);
        fresh_failed(host, domain, error);
    }
}

static void done(struct host_call *call, bool fresh)
{
    struct look_call *looks = (struct look_call *)call;
    for (size_t i = 0; i < looks->count; i++) {
        if (fresh && !call->host->ended) {
            apply(call->host, &looks->looks[i], &call->error);
        }
        free(looks->looks[i].name);
    }
}

static void ask_states(struct host *host)
{
    unsigned char uuids[LOOKS][UUID_SIZE];
    size_t most = host->states.count > STORM ? LOOKS : 1;
    size_t count;
    while ((count = ask_queue_take(&host->states, uuids, most)) > 0) {
        struct look_call *looks = xcalloc(1, sizeof *looks);
        looks->call.run = run;
        looks->call.done = done;
        for (size_t i = 0; i < count; i++) {
            struct domain *domain = domains_find(&host->domains, uuids[i]);
            if (domain != NULL && domain->state.wanted) {
                domain->state = (struct ask){.out = true};
                memcpy(looks->looks[looks->count++].uuid, domain->uuid, UUID_SIZE);
            }
        }
        role_submit(host, ROLE_WATCH, &looks->call);
    }
}

void look_ask(void *owner)
{
    struct host *host = owner;
    if (host->roles[ROLE_WATCH].is_open) {
        ask_states(host);
        definitions_ask(host);
    }
}

void look_at_state(struct host *host, struct domain *domain)
{
    if (!domain->state.wanted && !domain->state.out) {
        ask_queue_add(&host->states, domain->uuid);
        loop_later(host->loop, &host->ask);
    }
    domain->state.wanted = true;
}

void look_at_definition(struct host *host, struct domain *domain)
{
    if (!domain->definition.wanted && !domain->definition.out) {
        ask_queue_add(&host->definitions, domain->uuid);
        loop_later(host->loop, &host->ask);
    }
    domain->definition.wanted = true;
}

void look_reset(struct host *host)
{
    ask_queue_clear(&host->states);
    ask_queue_clear(&host->definitions);
    ask_queue_clear(&host->unsettled);
    for (struct domain *domain = host->domains.first; domain != NULL; domain = domain->next) {
        domain->state = (struct ask){0};
        domain->definition = (struct ask){0};
        domain->definition_hash = 0;
        domain->whole = false;
        domain->lacks_state = false;
        domain->lacks_definition = false;
        domain->doubted = false;
    }
    host->lacking = 0;
}
