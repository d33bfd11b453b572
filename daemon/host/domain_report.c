/*
 * domain_report: what libvirt has answered about a domain becomes what the listener is told, if it
 * differs from what it was told before.
 *
 * host.lacking counts the domains that have not told both state and XML since the connection came
 * up; at 0 the host is synced. Whatever is kept of a domain that goes is dropped here. Loop-only.
 */
#include "host/domain_report.h"
#include "host/fresh.h"
#include "host/hung.h"
#include "host/libvirt_state.h"
#include "host/reread.h"
#include "log.h"

#include <string.h>

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

static void tell_domain(struct host *host, struct domain *domain, bool seen_change)
{
    if (!domain->told) {
        host->hooks->domain_found(host, domain);
    }
    domain->told = true;
    report_state(host, domain, seen_change);
}

void domain_report_name(struct host *host, struct domain *domain, const char *name)
{
    bool renamed = name != NULL && domain_set_name(domain, name);
    if (!domain->told || renamed) {
        tell_domain(host, domain, false);
    }
}

void domain_report_state(struct host *host, struct domain *domain,
                         const struct state_answer *answer, bool anew)
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
        tell_domain(host, domain, seen_change);
    }
    if (libvirt_state(answer->state) != LODGE_VM_RUNNING) {
        hung_is_over(host, domain);
    }
    domain_state_is_known(host, domain);
}

void domain_report_synced(struct host *host)
{
    if (host->listed && !host->synced && host->lacking == 0) {
        host->synced = true;
        host->failures = 0;
        host->listener->synced(host->owner, host->name);
    }
}

void domain_report_gone(struct host *host, struct domain *domain)
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
    domain_state_is_known(host, domain);
    domain_definition_is_known(host, domain);
    reread_forget(host, domain);
    unsigned char key[UUID_SIZE];
    memcpy(key, domain->uuid, sizeof key);
    domains_remove(&host->domains, domain);
    if (told) {
        host->listener->domain_gone(host->owner, host->name, uuid);
    }
    fresh_is_gone(host, key);
}

void domain_state_is_known(struct host *host, struct domain *domain)
{
    if (domain->lacks_state) {
        domain->lacks_state = false;
        host->lacking -= !domain->lacks_definition;
    }
    domain_report_synced(host);
}

void domain_definition_is_known(struct host *host, struct domain *domain)
{
    if (domain->lacks_definition) {
        domain->lacks_definition = false;
        host->lacking -= !domain->lacks_state;
    }
    domain_report_synced(host);
}
