/* chronicle_summary: what is there when the watch begins, counted, in one line. */
#include "buffer.h"
#include "cli/chronicle_private.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

/* "6 VMs: 4 running, 2 shutoff" */
static void add_vm_counts(struct buffer *line, const struct chronicle *chronicle)
{
    size_t by_state[LODGE_VM_STATES] = {0};
    for (size_t i = 0; i < chronicle->vms.bucket_count; i++) {
        struct index_link *link = chronicle->vms.buckets[i];
        for (; link != NULL; link = link->next) {
            by_state[chronicle_vm_at(link)->vm.state]++;
        }
    }
    size_t count = chronicle->vms.count;
    buffer_add_format(line, "%zu VM%s", count, count == 1 ? "" : "s");
    if (chronicle->query != NULL) {
        buffer_add_format(line, " that match%s %s", count == 1 ? "es" : "", chronicle->query);
    }
    const char *before = ": ";
    for (enum lodge_vm_state state = 0; state < LODGE_VM_STATES; state++) {
        if (by_state[state] > 0) {
            buffer_add_format(line, "%s%zu %s", before, by_state[state],
                              lodge_vm_state_name(state));
            before = ", ";
        }
    }
}

/* "; host a: up", "; 40 hosts, not up: b (down), c (connecting)" */
static void add_hosts(struct buffer *line, const struct chronicle *chronicle)
{
    const char *before = ", not up: ";
    if (chronicle->host_count == 1) {
        buffer_add_format(line, "; host %s: %s", chronicle->hosts[0].told.name,
                          lodge_host_state_name(chronicle->hosts[0].told.state));
        return;
    }
    buffer_add_format(line, "; %zu hosts", chronicle->host_count);
    for (size_t i = 0; i < chronicle->host_count; i++) {
        const struct lodge_host *host = &chronicle->hosts[i].told;
        if (host->state != LODGE_HOST_UP) {
            buffer_add_format(line, "%s%s (%s)", before, host->name,
                              lodge_host_state_name(host->state));
            before = ", ";
        }
    }
}

static void add_count(struct buffer *line, size_t count, const char *one, const char *many)
{
    if (count > 0) {
        buffer_add_format(line, "; %zu %s", count, count == 1 ? one : many);
    }
}

void chronicle_summarize(struct chronicle *chronicle, const struct lodge_strings *incomplete)
{
    struct buffer line = {0};
    size_t ops = 0;
    size_t screens = 0;
    chronicle_settle_hosts(chronicle);
    for (size_t i = 0; i < chronicle->op_count; i++) {
        ops += !chronicle->ops[i].has_ended &&
               chronicle_concerns(chronicle, chronicle->ops[i].host, chronicle->ops[i].uuid);
    }
    for (size_t i = 0; i < chronicle->session_count; i++) {
        screens += chronicle->sessions[i].is_said;
    }
    add_vm_counts(&line, chronicle);
    add_hosts(&line, chronicle);
    add_count(&line, ops, "operation under way", "operations under way");
    add_count(&line, screens, "screen open", "screens open");
    for (size_t i = 0; i < incomplete->count; i++) {
        buffer_add_format(&line, "%s%s", i == 0 ? "; not read: " : ", ", incomplete->items[i]);
    }
    AUTO(free) char *text = buffer_take(&line);
    if (text == NULL) {
        abort(); /* out of memory */
    }
    chronicle_say(chronicle, "watching %s", text);
}
