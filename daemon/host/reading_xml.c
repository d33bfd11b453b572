/*
 * reading_xml: one domain's XML, as it is now, for somebody who asks: a reading (reading.h) for
 * each domain and with or without its secrets. Loop-only, but for read_xml().
 */
#include "host/host_conn.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/reading.h"
#include "memory.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { XML_PATIENCE_MS = 2000 };

struct xml_question {
    char uuid[37];
    bool secure;
};

/* On a worker. */
static void *read_xml(struct host_conn *conn, const void *about, struct lodge_error *err)
{
    const struct xml_question *question = about;
    AUTO(virDomainFree)
    virDomainPtr domain = virDomainLookupByUUIDString(conn->libvirt, question->uuid);
    unsigned flags = question->secure ? VIR_DOMAIN_XML_SECURE : 0;
    char *xml = domain == NULL ? NULL : virDomainGetXMLDesc(domain, flags);
    if (xml == NULL) {
        (void)libvirt_fail(err, "cannot read the XML");
    }
    return xml;
}

static bool is_same_question(const void *about, const void *other)
{
    const struct xml_question *one = about;
    const struct xml_question *two = other;
    return one->secure == two->secure && strcmp(one->uuid, two->uuid) == 0;
}

static const struct host_reading_kind xml_kind = {
    .patience_ms = XML_PATIENCE_MS,
    .late = "has not told its XML",
    .read = read_xml,
    .free = free,
    .is_same = is_same_question,
    .gone = free,
};

/* Who asked. */
struct xml_asker {
    host_xml_fn *answer;
    void *data;
};

static void pass_xml_on(void *data, const void *answer, const struct lodge_error *error)
{
    struct xml_asker *asker = data;
    asker->answer(asker->data, answer, error);
    free(asker);
}

void host_read_xml(struct host *host, const char *uuid, bool secure, host_xml_fn *answer,
                   void *data)
{
    struct xml_question *question = xcalloc(1, sizeof *question);
    (void)snprintf(question->uuid, sizeof question->uuid, "%.36s", uuid);
    question->secure = secure;
    struct xml_asker *asker = xcalloc(1, sizeof *asker);
    asker->answer = answer;
    asker->data = data;
    host_read(host, &xml_kind, question, pass_xml_on, asker);
}
