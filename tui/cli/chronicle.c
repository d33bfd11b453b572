/*
 * chronicle: who hears what. Until the first ready all is taken in without a word and then said in
 * one line. After a reset all is told anew: what is known stays, is compared, and what was not told
 * again by the next ready is gone.
 *
 * What came together is said together: a VM's change is held until everything that was in the
 * socket has been heard, or as long as an operation works on the VM, whose line then says it:
 *
 *     op 7 added            "web  stop begun by root"
 *     vm web changed        held: state running -> shutoff
 *     op 7 changed, done    "web  stop: state running -> shutoff (by root, 0.8 s)"
 */
#include "cli/chronicle.h"

#include "cli/chronicle_private.h"
#include "memory.h"
#include "scope.h"
#include "units.h"

#include <stdlib.h>

struct chronicle *chronicle_new(const char *query, void (*say)(void *data, const char *line),
                                void *data)
{
    struct chronicle *chronicle = xcalloc(1, sizeof *chronicle);
    chronicle->query = query;
    chronicle->say = say;
    chronicle->data = data;
    chronicle->last_held = &chronicle->held;
    index_init(&chronicle->vms);
    return chronicle;
}

static void forget_all(struct chronicle *chronicle)
{
    chronicle_forget_vms(chronicle);
    chronicle_forget_ops(chronicle);
    chronicle_forget_hosts(chronicle);
    chronicle_forget_sessions(chronicle);
}

void chronicle_free(struct chronicle *chronicle)
{
    if (chronicle == NULL) {
        return;
    }
    forget_all(chronicle);
    index_done(&chronicle->vms);
    free(chronicle);
}

static void hear_reset(struct chronicle *chronicle)
{
    if (!chronicle->is_ready) {
        forget_all(chronicle); /* nothing has been said of it */
        return;
    }
    if (!chronicle->is_retelling) {
        chronicle_say(chronicle, "events were missed: what is different since follows");
    }
    chronicle->telling++;
    chronicle->is_retelling = true;
    chronicle->said = 0;
}

static void hear_ready(struct chronicle *chronicle, const struct lodge_strings *incomplete)
{
    if (!chronicle->is_ready) {
        chronicle_summarize(chronicle, incomplete);
        chronicle->is_ready = true;
        return;
    }
    if (!chronicle->is_retelling) {
        return;
    }
    chronicle_sweep_ops(chronicle);
    chronicle_sweep_vms(chronicle);
    chronicle_sweep_hosts(chronicle);
    chronicle->is_retelling = false;
    chronicle_settle(chronicle);
    chronicle_sweep_sessions(chronicle);
    if (chronicle->said == 0) {
        chronicle_say(chronicle, "nothing is different");
    }
}

static void hear_sample(struct chronicle *chronicle, const struct lodge_event *event)
{
    char cpu[UNIT_TEXT];
    char memory[UNIT_TEXT];
    bool is_host = event->vm.uuid[0] == '\0';
    double percent = is_host ? event->host.stats.cpu_percent : event->vm.stats.cpu_percent;
    int64_t used = is_host ? event->host.stats.memory_used_mib : event->vm.stats.memory_rss_mib;
    AUTO(free)
    char *label = is_host ? xasprintf("host %s", event->host.name)
                          : chronicle_label(chronicle, event->vm.host, event->vm.name);
    chronicle_say(chronicle, "%s  cpu %s%%, memory %s", label, percent_text(cpu, percent),
                  size_text(memory, used));
}

void chronicle_hear(struct chronicle *chronicle, const struct lodge_event *event, int64_t now_ms)
{
    chronicle->now_ms = now_ms;
    if (event->type == LODGE_EVENT_RESET) {
        hear_reset(chronicle);
    } else if (event->type == LODGE_EVENT_READY) {
        hear_ready(chronicle, &event->incomplete);
    } else if (event->topic == LODGE_TOPIC_METRICS) {
        hear_sample(chronicle, event);
    } else if (event->topic == LODGE_TOPIC_VM) {
        chronicle_hear_vm(chronicle, event);
    } else if (event->topic == LODGE_TOPIC_HOST) {
        chronicle_hear_host(chronicle, &event->host, event->type);
    } else if (event->topic == LODGE_TOPIC_OP) {
        chronicle_hear_op(chronicle, &event->op, event->type);
    } else if (event->topic == LODGE_TOPIC_SESSION) {
        chronicle_hear_session(chronicle, &event->session, event->type);
    }
}
