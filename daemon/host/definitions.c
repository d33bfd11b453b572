/*
 * definitions: one call on `sync` looks up up to BATCH domains and reads what libvirt said of them;
 * on the loop each that came is told, each that is gone is looked at.
 *
 * lodged comes before other programs (main.c), libvirtd among them: a thread that took the
 * processor from libvirtd for each answer would have to give it back for the next. Full batches
 * give way.
 *
 * An answer to a domain that was asked for again meanwhile is dropped and the domain asked anew: it
 * may be older than the event that asked. Calls own their domains and what was read of them.
 */
#include "host/definitions.h"
#include "host/channels.h"
#include "host/domain_report.h"
#include "host/fresh.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/refresh.h"
#include "host/xml/domain_xml_read.h"
#include "host/xml/next_boot.h"
#include "index.h"
#include "log.h"
#include "loop/thread.h"
#include "loop/turnstile.h"
#include "memory.h"

#include <string.h>

/* A letter for each domain would wake the loop 10,000 times, one for all would show nothing until
 * the last is read. */
enum { BATCH = 32 };

/* Of more domains a whole list's first reading is of what runs, so that it is there twice as soon;
 * what the next boots get follows (reread.c). */
enum { WHOLE_AT_ONCE = 256 };

struct definition {
    unsigned char uuid[UUID_SIZE];
    virDomainPtr domain; /* owned; NULL: look it up */
    bool whole;          /* both the run and the next boot are read */
    uint64_t before;     /* the text that was told last … */
    uint64_t hash;       /* … and this one's: what is the same text says the same */
    enum {
        DEFINITION_FAILED,
        DEFINITION_TEXT, /* it is there, and to be read */
        DEFINITION_GONE,
        DEFINITION_SAME,
        DEFINITION_READ
    } end;
    char *xml, *other; /* while it is being fetched */
    bool is_active;
    struct domain_facts facts;
};

struct definitions_call {
    struct host_call call; /* first */
    size_t count;
    struct definition definitions[BATCH];
};

/* On workers. */

/* The other definition that the domain has: of its next boot while it runs, of the run that is
 * saved while it is off. */
static bool read_other(struct definition *definition, struct lodge_error *err)
{
    if (!definition->whole) {
        return true;
    }
    if (definition->is_active) {
        definition->other = virDomainGetXMLDesc(definition->domain, VIR_DOMAIN_XML_INACTIVE);
        return definition->other != NULL ||
               libvirt_fail(err, "cannot read a domain's next definition");
    }
    if (virDomainHasManagedSaveImage(definition->domain, 0) == 1) {
        /* A driver without it, or a file that is no image, leaves nothing to compare with. */
        definition->other = virDomainManagedSaveGetXMLDesc(definition->domain, 0);
    }
    return true;
}

static bool read_facts(struct definition *definition, struct lodge_error *err)
{
    struct domain_facts *facts = &definition->facts;
    struct domain_facts twin = {0};
    if (!domain_xml_read(definition->xml, facts, err)) {
        return false;
    }
    if (definition->other != NULL && !domain_xml_read(definition->other, &twin, err)) {
        domain_facts_clear(facts);
        return false;
    }
    if (definition->other == NULL && definition->whole) {
        next_boot_is_now(facts);
    } else if (definition->other != NULL && definition->is_active) {
        next_boot_compare(facts, &twin);
    } else if (definition->other != NULL) {
        next_boot_after_save(facts, &twin);
    }
    domain_facts_clear(&twin);
    return true;
}

static bool ask_for_texts(struct definition *definition, virConnectPtr conn,
                          struct lodge_error *err)
{
    if (definition->domain == NULL) {
        definition->domain = virDomainLookupByUUID(conn, definition->uuid);
    }
    if (definition->domain != NULL) {
        definition->is_active = libvirt_run(definition->domain) >= 0;
        definition->xml = virDomainGetXMLDesc(definition->domain, 0);
    }
    if (definition->xml == NULL) {
        return libvirt_fail(err, "cannot read a domain's XML");
    }
    return read_other(definition, err);
}

static bool read_texts(struct definition *definition, struct lodge_error *err)
{
    definition->hash = index_hash(definition->xml, definition->other);
    definition->end = definition->hash == definition->before ? DEFINITION_SAME : DEFINITION_READ;
    return definition->end == DEFINITION_SAME || read_facts(definition, err);
}

static void note_failure(struct definitions_call *batch, struct definition *definition,
                         const struct lodge_error *error)
{
    definition->end = error->kind == LODGE_ERROR_NOT_FOUND ? DEFINITION_GONE : DEFINITION_FAILED;
    if (definition->end == DEFINITION_FAILED && batch->call.error.kind == LODGE_ERROR_NONE) {
        batch->call.error = *error;
    }
}

static void ask_for_all(struct definitions_call *batch, virConnectPtr conn)
{
    for (size_t i = 0; i < batch->count && !atomic_load(&batch->call.job.cancelled); i++) {
        struct lodge_error err = {0};
        batch->definitions[i].end = DEFINITION_TEXT;
        if (!ask_for_texts(&batch->definitions[i], conn, &err)) {
            note_failure(batch, &batch->definitions[i], &err);
        }
    }
}

static void read_all(struct definitions_call *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct definition *definition = &batch->definitions[i];
        struct lodge_error err = {0};
        if (definition->end == DEFINITION_TEXT && !read_texts(definition, &err)) {
            note_failure(batch, definition, &err);
        }
        free(TAKE(definition->xml));
        free(TAKE(definition->other));
    }
}

static void definitions_fetch(struct host_call *call, virConnectPtr conn)
{
    struct definitions_call *batch = (struct definitions_call *)call;
    bool made_here = call->host->uri.made_here;
    bool is_full = batch->count == BATCH;
    if (is_full) {
        thread_give_way(true);
    }
    if (made_here) {
        turnstile_enter();
    }
    ask_for_all(batch, conn);
    if (!made_here) {
        turnstile_enter();
    }
    read_all(batch);
    turnstile_leave();
    if (is_full) {
        thread_give_way(false);
    }
}

static void definition_take(struct host *host, struct definition *definition,
                            const struct lodge_error *error)
{
    struct domain *domain = domains_find(&host->domains, definition->uuid);
    if (domain == NULL) {
        return;
    }
    domain->definition.out = false;
    if (domain->definition.wanted) {
        domain->definition.wanted = false;
        refresh_definition(host, domain);
    } else if (definition->end == DEFINITION_READ) {
        domain_report_name(host, domain, definition->facts.name);
        domain->vcpus = definition->facts.vcpus;
        domain->definition_hash = definition->hash;
        domain->whole = definition->whole;
        host->listener->domain_facts(host->owner, host->name, &definition->facts);
        domain_definition_is_known(host, domain);
        fresh_has_definition(host, domain);
    } else if (definition->end == DEFINITION_SAME) {
        domain->whole |= definition->whole;
        domain_definition_is_known(host, domain);
        fresh_has_definition(host, domain);
    } else if (definition->end == DEFINITION_GONE) {
        refresh_state(host, domain); /* it has the last word on who is there */
        domain_definition_is_known(host, domain);
    } else {
        struct log_fields fields = {.host = host->name, .vm = domain->uuid_text};
        log_with(LOG_LEVEL_WARNING, LOG_HOST, &fields, "%s: %s", domain->name, error->message);
        domain_definition_is_known(host, domain);
        fresh_failed(host, domain, error);
    }
}

static void definitions_take(struct host_call *call, bool current)
{
    struct definitions_call *batch = (struct definitions_call *)call;
    for (size_t i = 0; i < batch->count; i++) {
        struct definition *definition = &batch->definitions[i];
        if (current && !call->host->ended) {
            definition_take(call->host, definition, &call->error);
        }
        domain_facts_clear(&definition->facts);
        /* Only a count: the call still holds the connection. */
        if (definition->domain != NULL) {
            virDomainFree(definition->domain);
        }
    }
}

static struct definitions_call *definitions_batch_new(void)
{
    struct definitions_call *batch = xcalloc(1, sizeof *batch);
    batch->call.run = definitions_fetch;
    batch->call.done = definitions_take;
    return batch;
}

void definitions_ask(struct host *host)
{
    unsigned char uuids[BATCH][UUID_SIZE];
    size_t count;
    while ((count = ask_queue_take(&host->definitions, uuids, BATCH)) > 0) {
        struct definitions_call *batch = definitions_batch_new();
        for (size_t i = 0; i < count; i++) {
            struct domain *domain = domains_find(&host->domains, uuids[i]);
            if (domain != NULL && domain->definition.wanted) {
                struct definition *definition = &batch->definitions[batch->count++];
                domain->definition = (struct ask){.out = true};
                definition->before = domain->whole ? domain->definition_hash : 0;
                definition->whole = true;
                memcpy(definition->uuid, domain->uuid, UUID_SIZE);
            }
        }
        channel_submit(host, CHANNEL_SYNC, &batch->call);
    }
}

void definitions_read(struct host *host, struct listed_domain *listed, size_t count)
{
    struct definitions_call *batch = NULL;
    for (size_t i = 0; i < count; i++) {
        struct domain *domain = domains_find(&host->domains, listed[i].uuid);
        if (domain == NULL || domain->definition.out) {
            virDomainFree(TAKE(listed[i].domain));
            continue;
        }
        domain->definition = (struct ask){.out = true};
        batch = batch == NULL ? definitions_batch_new() : batch;
        struct definition *definition = &batch->definitions[batch->count++];
        definition->domain = TAKE(listed[i].domain);
        definition->whole = count <= WHOLE_AT_ONCE;
        memcpy(definition->uuid, listed[i].uuid, UUID_SIZE);
        if (batch->count == BATCH) {
            channel_submit(host, CHANNEL_SYNC, &TAKE(batch)->call);
        }
    }
    if (batch != NULL) {
        channel_submit(host, CHANNEL_SYNC, &batch->call);
    }
}
