/* chronicle_hosts: hosts as they were told and said last. With a query those are told of on which
 * something matches. */
#include "cli/chronicle_private.h"
#include "cli/vm_words.h"
#include "contract/contract.h"
#include "memory.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static void copy_host(struct lodge_host *to, const struct lodge_host *from)
{
    lodge_host_clear(to);
    if (!fields_copy(lodge_host_fields, to, from)) {
        abort(); /* out of memory */
    }
}

static struct known_host *add_known_host(struct chronicle *chronicle)
{
    struct known_host *known = ARRAY_GROW(chronicle->hosts, chronicle->host_count);
    *known = (struct known_host){.is_new = chronicle->is_ready};
    lodge_host_init(&known->told);
    lodge_host_init(&known->said);
    return known;
}

static void remove_host(struct chronicle *chronicle, struct known_host *known)
{
    lodge_host_clear(&known->told);
    lodge_host_clear(&known->said);
    *known = chronicle->hosts[--chronicle->host_count];
}

void chronicle_hear_host(struct chronicle *chronicle, const struct lodge_host *host,
                         enum lodge_event_type type)
{
    struct known_host *known = chronicle_find_host(chronicle, host->name);
    if (host->name == NULL || (type == LODGE_EVENT_REMOVED && known == NULL)) {
        return;
    }
    if (type == LODGE_EVENT_REMOVED) {
        known->is_gone = true;
        return;
    }
    known = known == NULL ? add_known_host(chronicle) : known;
    copy_host(&known->told, host);
    known->is_gone = false;
    known->telling = chronicle->telling;
}

/* "up → down: why", "up → connecting", "up"; NULL: nothing is other. The caller frees. */
static char *host_words(const struct known_host *known)
{
    const struct lodge_host *was = &known->said;
    const struct lodge_host *is = &known->told;
    const char *why = is->error == NULL ? "" : is->error;
    const char *colon = *why == '\0' ? "" : ": ";
    const char *state = lodge_host_state_name(is->state);
    if (known->is_new) {
        return xasprintf("is new: %s%s%s", state, colon, why);
    }
    if (was->state != is->state) {
        return xasprintf("%s %s %s%s%s", lodge_host_state_name(was->state), words_arrow(), state,
                         colon, why);
    }
    bool is_same = strcmp(was->error == NULL ? "" : was->error, why) == 0;
    return is_same || *why == '\0' ? NULL : xasprintf("still %s: %s", state, why);
}

static void say_host(struct chronicle *chronicle, const struct known_host *known, const char *words,
                     bool is_first_read)
{
    size_t vms = chronicle_vms_on(chronicle, known->told.name);
    if (chronicle->query != NULL && vms == 0) {
        return;
    }
    if (is_first_read) {
        chronicle_say(chronicle, "host %s  %s%sits VMs have been read: %zu", known->told.name,
                      words, *words == '\0' ? "" : ", ", vms);
    } else {
        chronicle_say(chronicle, "host %s  %s", known->told.name, words);
    }
}

static void settle_host(struct chronicle *chronicle, struct known_host *known)
{
    const struct lodge_host *host = &known->told;
    bool was_read = known->is_read;
    known->is_read |= host->state == LODGE_HOST_UP && host->synced_at != 0;
    AUTO(free) char *words = host_words(known);
    if (chronicle->is_ready && (words != NULL || was_read != known->is_read)) {
        say_host(chronicle, known, words == NULL ? "" : words, was_read != known->is_read);
    }
    known->is_new = false;
    copy_host(&known->said, host);
}

void chronicle_settle_hosts(struct chronicle *chronicle)
{
    for (size_t i = chronicle->host_count; i-- > 0;) {
        struct known_host *known = &chronicle->hosts[i];
        if (!known->is_gone) {
            settle_host(chronicle, known);
        } else {
            if (chronicle->is_ready && chronicle->query == NULL) {
                chronicle_say(chronicle, "host %s  is gone", known->told.name);
            }
            remove_host(chronicle, known);
        }
    }
}

void chronicle_sweep_hosts(struct chronicle *chronicle)
{
    for (size_t i = 0; i < chronicle->host_count; i++) {
        chronicle->hosts[i].is_gone |= chronicle->hosts[i].telling != chronicle->telling;
    }
}

void chronicle_forget_hosts(struct chronicle *chronicle)
{
    while (chronicle->host_count > 0) {
        remove_host(chronicle, &chronicle->hosts[0]);
    }
    free(chronicle->hosts);
    chronicle->hosts = NULL;
}
