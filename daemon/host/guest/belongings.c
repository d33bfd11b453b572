/* belongings.c: a domain's NVRAM and TPM, and libvirt's own names for them. */
#include "host/guest/belongings.h"
#include "host/guest/domain_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/xml/belongings_xml.h"
#include "host/xml/domain_xml_read.h"
#include "memory.h"

#include <string.h>

/* Where libvirt's QEMU driver keeps its things (qemu_conf.c): built with /var on every system that
 * packages it. A session's are in the home of whoever runs libvirtd, which nobody tells. */
#define SYSTEM_LIB "/var/lib/libvirt"
#define SESSION_NVRAM "/libvirt/qemu/nvram/"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Of a session the end of it. The caller frees. */
static char *usual_nvram(const struct uri *uri, const char *name, const char *format)
{
    return uri->is_embedded ? xasprintf("%s/lib/qemu/nvram/%s_VARS.%s", uri->root, name, format)
                            : xasprintf("%s%s_VARS.%s",
                                        uri->is_session ? SESSION_NVRAM : SYSTEM_LIB "/qemu/nvram/",
                                        name, format);
}

static bool is_usual_nvram(const struct uri *uri, const char *path, const char *name)
{
    static const char *const formats[] = {"fd", "qcow2"};
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        AUTO(free) char *usual = usual_nvram(uri, name, formats[i]);
        bool is_usual = uri->is_session ? ends_with(path, usual) && strstr(path, "/../") == NULL
                                        : strcmp(path, usual) == 0;
        if (is_usual) {
            return true;
        }
    }
    return false;
}

static char *usual_tpm(const struct uri *uri, const char *uuid)
{
    return uri->is_embedded  ? xasprintf("%s/lib/swtpm/%s", uri->root, uuid)
           : uri->is_session ? xasprintf("libvirt/qemu/swtpm/%s", uuid)
                             : xasprintf(SYSTEM_LIB "/swtpm/%s", uuid);
}

static void take_nvram(struct belongings *belongings, const struct uri *uri, const char *name,
                       struct belongings_xml *said)
{
    belongings->has_nvram |= said->has_nvram;
    if (said->nvram == NULL) {
        return;
    }
    bool is_usual = is_usual_nvram(uri, said->nvram, name);
    bool is_first = belongings->nvram == NULL;
    /* The running guest's and the next boot's: what is odd about one is odd about both. */
    belongings->nvram_is_usual = is_usual && (is_first || belongings->nvram_is_usual);
    if (is_first || !is_usual) {
        free(belongings->nvram);
        belongings->nvram = TAKE(said->nvram);
    }
}

static void take_tpm(struct belongings *belongings, const struct uri *uri, const char *uuid,
                     struct belongings_xml *said)
{
    if (said->has_tpm && (belongings->tpm == NULL || said->tpm != NULL)) {
        belongings->has_tpm = true;
        belongings->tpm_is_usual = said->tpm == NULL;
        free(belongings->tpm);
        belongings->tpm = said->tpm != NULL ? TAKE(said->tpm) : usual_tpm(uri, uuid);
    }
}

/* One of its definitions. */
static bool take_definition(struct host_conn *conn, virDomainPtr domain, unsigned flags,
                            const char *installation, struct belongings *belongings,
                            struct lodge_error *err)
{
    const struct uri *uri = host_uri(conn->host);
    struct domain_facts facts = {0};
    struct belongings_xml said = {0};
    const char *name = virDomainGetName(domain); /* after a failure it would take the reason away */
    AUTO(free) char *xml = virDomainGetXMLDesc(domain, flags);
    if (xml == NULL) {
        return libvirt_fail(err, "the definition of domain '%s'", name);
    }
    if (!domain_xml_read(xml, &facts, err) || !belongings_xml_read(xml, &said, err)) {
        domain_facts_clear(&facts);
        return false;
    }
    belongings->is_made = strcmp(facts.installation, installation) == 0;
    take_nvram(belongings, uri, virDomainGetName(domain), &said);
    take_tpm(belongings, uri, facts.uuid, &said);
    belongings_xml_clear(&said);
    domain_facts_clear(&facts);
    return true;
}

bool domain_belongings(struct host_conn *conn, const char *uuid, const char *installation,
                       struct belongings *ret_belongings, struct lodge_error *err)
{
    *ret_belongings = (struct belongings){0};
    struct lodge_error why = {0};
    AUTO(virDomainFree) virDomainPtr domain = host_conn_domain(conn, uuid, &why);
    bool is_active = domain != NULL && virDomainGetID(domain) != (unsigned)-1;
    struct belongings found = {.is_there = domain != NULL, .is_active = is_active};
    bool good =
        domain != NULL &&
        take_definition(conn, domain, VIR_DOMAIN_XML_INACTIVE, installation, &found, &why) &&
        (!is_active || take_definition(conn, domain, 0, installation, &found, &why));
    if (!good) {
        belongings_clear(&found);
        bool is_gone = why.kind == LODGE_ERROR_NOT_FOUND;
        *err = is_gone ? *err : why;
        return is_gone;
    }
    found.is_persistent = !found.has_tpm || virDomainIsPersistent(domain) != 0;
    if (found.has_nvram && found.nvram == NULL) { /* libvirt 9 says it of a guest that runs */
        found.nvram = usual_nvram(host_uri(conn->host), virDomainGetName(domain), "fd");
        found.nvram_is_usual = true;
    }
    *ret_belongings = found;
    return true;
}

void belongings_clear(struct belongings *belongings)
{
    free(belongings->nvram);
    free(belongings->tpm);
    *belongings = (struct belongings){0};
}
