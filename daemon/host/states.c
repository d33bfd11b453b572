/*
 * states: one call on `watch` asks one domain for its state, or in a storm of events some; what it
 * has found is told on the loop. The worker fills the call; domains are the loop's.
 */
#include "host/states.h"
#include "host/channels.h"
#include "host/domain_report.h"
#include "host/fresh.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/libvirt_state.h"
#include "host/refresh.h"
#include "log.h"
#include "memory.h"

#include <string.h>

/* A domain that is being destroyed is locked for up to 17 s, and so is the call that asks for it:
 * in a storm few others may have to wait with it, else none. */
enum { AT_ONCE = 8, STORM = 32 };

struct state_question {
    unsigned char uuid[UUID_SIZE];
    enum { STATE_FAILED, STATE_GONE, STATE_DONE } end;
    struct state_answer answer;
    char *name;
};

struct states_call {
    struct host_call call; /* first */
    size_t count;
    struct state_question questions[AT_ONCE];
};

static bool is_at_odds(const struct state_answer *answer)
{
    bool is_off = libvirt_state(answer->state) == LODGE_VM_SHUTOFF;
    return is_off == (answer->run != LODGE_UNKNOWN);
}

/* The id is of when it was looked up, the state of a moment later: a start or an end in between is
 * looked at again. A libvirt that goes on saying so is believed. */
static bool look_up(struct state_question *question, virConnectPtr conn, virDomainPtr *ret_domain)
{
    enum { TRIES = 3 };
    for (int i = 0; i < TRIES; i++) {
        if (*ret_domain != NULL) {
            virDomainFree(*ret_domain);
        }
        *ret_domain = virDomainLookupByUUID(conn, question->uuid);
        if (*ret_domain == NULL || virDomainGetState(*ret_domain, &question->answer.state,
                                                     &question->answer.reason, 0) < 0) {
            return false;
        }
        question->answer.run = libvirt_run(*ret_domain);
        if (!is_at_odds(&question->answer)) {
            break;
        }
    }
    return true;
}

/* On a worker. */
static void fetch_state(struct state_question *question, virConnectPtr conn,
                        struct lodge_error *call_error)
{
    AUTO(virDomainFree) virDomainPtr domain = NULL;
    int autostart = 0;
    if (!look_up(question, conn, &domain)) {
        struct lodge_error err = {0};
        libvirt_fail(&err, "cannot read a domain's state");
        question->end = err.kind == LODGE_ERROR_NOT_FOUND ? STATE_GONE : STATE_FAILED;
        if (question->end == STATE_FAILED && call_error->kind == LODGE_ERROR_NONE) {
            *call_error = err;
        }
        return;
    }
    question->end = STATE_DONE;
    question->name = xstrdup(virDomainGetName(domain));
    question->answer.name = question->name;
    question->answer.persistent = virDomainIsPersistent(domain) == 1;
    question->answer.autostart = virDomainGetAutostart(domain, &autostart) < 0 ? LODGE_FLAG_UNKNOWN
                                 : autostart                                   ? LODGE_FLAG_YES
                                                                               : LODGE_FLAG_NO;
}

static void states_fetch(struct host_call *call, virConnectPtr conn)
{
    struct states_call *asked = (struct states_call *)call;
    for (size_t i = 0; i < asked->count; i++) {
        fetch_state(&asked->questions[i], conn, &call->error);
    }
}

static void state_take(struct host *host, const struct state_question *question,
                       const struct lodge_error *error)
{
    struct domain *domain = domains_find(&host->domains, question->uuid);
    if (domain == NULL) {
        return;
    }
    domain->state.out = false;
    if (domain->state.wanted) {
        domain->state.wanted = false;
        refresh_state(host, domain);
    } else if (question->end == STATE_DONE) {
        domain_report_state(host, domain, &question->answer, domain->lacks_state);
        fresh_has_state(host, domain);
    } else if (question->end == STATE_GONE) {
        domain_report_gone(host, domain);
    } else {
        struct log_fields fields = {.host = host->name, .vm = domain->uuid_text};
        log_with(LOG_LEVEL_WARNING, LOG_HOST, &fields, "%s: %s", domain->name, error->message);
        domain_state_is_known(host, domain);
        fresh_failed(host, domain, error);
    }
}

static void states_take(struct host_call *call, bool current)
{
    struct states_call *asked = (struct states_call *)call;
    for (size_t i = 0; i < asked->count; i++) {
        if (current && !call->host->ended) {
            state_take(call->host, &asked->questions[i], &call->error);
        }
        free(asked->questions[i].name);
    }
}

void states_ask(struct host *host)
{
    unsigned char uuids[AT_ONCE][UUID_SIZE];
    size_t most = host->states.count > STORM ? AT_ONCE : 1;
    size_t count;
    while ((count = ask_queue_take(&host->states, uuids, most)) > 0) {
        struct states_call *asked = xcalloc(1, sizeof *asked);
        asked->call.run = states_fetch;
        asked->call.done = states_take;
        for (size_t i = 0; i < count; i++) {
            struct domain *domain = domains_find(&host->domains, uuids[i]);
            if (domain != NULL && domain->state.wanted) {
                domain->state = (struct ask){.out = true};
                memcpy(asked->questions[asked->count++].uuid, domain->uuid, UUID_SIZE);
            }
        }
        channel_submit(host, CHANNEL_WATCH, &asked->call);
    }
}
