/*
 * definitions: one call on `sync` looks up and parses up to BATCH domains; on the loop each that
 * came is told, each that is gone is looked at.
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
    enum { DEFINITION_FAILED, DEFINITION_GONE, DEFINITION_SAME, DEFINITION_READ } end;
    struct domain_facts facts;
};

struct definitions_call {
    struct host_call call; /* first */
    size_t count;
    struct definition definitions[BATCH];
};

/* On workers. */

/* The other definition that the domain has: of its next boot while it runs, of the run that is
 * saved while it is off. `*ret_other` NULL: it has none. */
static bool read_other(struct definition *definition, bool is_active, char **ret_other,
                       struct lodge_error *err)
{
    *ret_other = NULL;
    if (!definition->whole) {
        return true;
    }
    if (is_active) {
        *ret_other = virDomainGetXMLDesc(definition->domain, VIR_DOMAIN_XML_INACTIVE);
        return *ret_other != NULL || libvirt_fail(err, "cannot read a domain's next definition");
    }
    if (virDomainHasManagedSaveImage(definition->domain, 0) == 1) {
        /* A driver without it, or a file that is no image, leaves nothing to compare with. */
        *ret_other = virDomainManagedSaveGetXMLDesc(definition->domain, 0);
    }
    return true;
}

static bool read_facts(const char *xml, const char *other, bool is_active, bool whole,
                       struct domain_facts *ret_facts, struct lodge_error *err)
{
    struct domain_facts twin = {0};
    if (!domain_xml_read(xml, ret_facts, err)) {
        return false;
    }
    if (other != NULL && !domain_xml_read(other, &twin, err)) {
        domain_facts_clear(ret_facts);
        return false;
    }
    if (other == NULL && whole) {
        next_boot_is_now(ret_facts);
    } else if (other != NULL && is_active) {
        next_boot_compare(ret_facts, &twin);
    } else if (other != NULL) {
        next_boot_after_save(ret_facts, &twin);
    }
    domain_facts_clear(&twin);
    return true;
}

static bool fetch_definition(struct definition *definition, virConnectPtr conn,
                             struct lodge_error *err)
{
    AUTO(free) char *other = NULL;
    if (definition->domain == NULL) {
        definition->domain = virDomainLookupByUUID(conn, definition->uuid);
    }
    bool is_active = definition->domain != NULL && libvirt_run(definition->domain) >= 0;
    AUTO(free)
    char *xml = definition->domain == NULL ? NULL : virDomainGetXMLDesc(definition->domain, 0);
    if (xml == NULL) {
        return libvirt_fail(err, "cannot read a domain's XML");
    }
    if (!read_other(definition, is_active, &other, err)) {
        return false;
    }
    definition->hash = index_hash(xml, other);
    definition->end = definition->hash == definition->before ? DEFINITION_SAME : DEFINITION_READ;
    return definition->end == DEFINITION_SAME ||
           read_facts(xml, other, is_active, definition->whole, &definition->facts, err);
}

static void definitions_fetch(struct host_call *call, virConnectPtr conn)
{
    struct definitions_call *batch = (struct definitions_call *)call;
    for (size_t i = 0; i < batch->count && !atomic_load(&call->job.cancelled); i++) {
        struct definition *definition = &batch->definitions[i];
        struct lodge_error err = {0};
        if (fetch_definition(definition, conn, &err)) {
            continue;
        }
        definition->end = DEFINITION_FAILED;
        if (err.kind == LODGE_ERROR_NOT_FOUND) {
            definition->end = DEFINITION_GONE;
        } else if (call->error.kind == LODGE_ERROR_NONE) {
            call->error = err;
        }
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

void definitions_read(struct host *host, virDomainPtr *domains, size_t count)
{
    struct definitions_call *batch = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned char uuid[UUID_SIZE];
        bool has_uuid = virDomainGetUUID(domains[i], uuid) == 0;
        struct domain *domain = has_uuid ? domains_find(&host->domains, uuid) : NULL;
        if (domain == NULL || domain->definition.out) {
            virDomainFree(TAKE(domains[i]));
            continue;
        }
        domain->definition = (struct ask){.out = true};
        batch = batch == NULL ? definitions_batch_new() : batch;
        struct definition *definition = &batch->definitions[batch->count++];
        definition->domain = TAKE(domains[i]);
        definition->whole = count <= WHOLE_AT_ONCE;
        memcpy(definition->uuid, uuid, UUID_SIZE);
        if (batch->count == BATCH) {
            channel_submit(host, CHANNEL_SYNC, &TAKE(batch)->call);
        }
    }
    if (batch != NULL) {
        channel_submit(host, CHANNEL_SYNC, &batch->call);
    }
}
