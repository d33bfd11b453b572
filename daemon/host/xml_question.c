/*
 * xml_question: a question hangs in host.questions until it is answered, once: by its call, or
 * because the host goes. The call may return after that; it only frees then. Loop-only, but for
 * run().
 */
#include "host/xml_question.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/roles.h"
#include "memory.h"

#include <stdio.h>

struct xml_question {
    struct host_call call;                /* first */
    struct xml_question *previous, *next; /* in host.questions */
    char uuid[37];
    bool secure;
    host_xml_fn *answer; /* NULL once answered */
    void *data;
    char *xml;
};

static void answer(struct xml_question *question, const char *xml, const struct lodge_error *error)
{
    host_xml_fn *answer_to = TAKE(question->answer);
    struct host *host = question->call.host;
    if (answer_to == NULL) {
        return;
    }
    *(question->previous == NULL ? &host->questions : &question->previous->next) = question->next;
    if (question->next != NULL) {
        question->next->previous = question->previous;
    }
    answer_to(question->data, xml, error);
}

/* On a worker. */
static void run(struct host_call *call, virConnectPtr conn)
{
    struct xml_question *question = (struct xml_question *)call;
    AUTO(virDomainFree)
    virDomainPtr domain = virDomainLookupByUUIDString(conn, question->uuid);
    unsigned flags = question->secure ? VIR_DOMAIN_XML_SECURE : 0;
    question->xml = domain == NULL ? NULL : virDomainGetXMLDesc(domain, flags);
    if (question->xml == NULL) {
        libvirt_fail(&call->error, "cannot read the XML");
    }
}

static void done(struct host_call *call, bool fresh)
{
    (void)fresh; /* XML is what it was when it was read, whatever happened to the host since */
    struct xml_question *question = (struct xml_question *)call;
    if (question->xml == NULL && call->error.kind == LODGE_ERROR_NONE) {
        lodge_fail(&call->error, LODGE_ERROR_HOST_DOWN, "host '%s' went away", call->host->name);
    }
    answer(question, question->xml, question->xml == NULL ? &call->error : NULL);
    free(question->xml);
}

void host_read_xml(struct host *host, const char *uuid, bool secure, host_xml_fn *answer_to,
                   void *data)
{
    if (host->state != LODGE_HOST_UP) {
        struct lodge_error err = {0};
        lodge_fail(&err, LODGE_ERROR_HOST_DOWN, "host '%s' is not connected", host->name);
        answer_to(data, NULL, &err);
        return;
    }
    struct xml_question *question = xcalloc(1, sizeof *question);
    question->call.run = run;
    question->call.done = done;
    (void)snprintf(question->uuid, sizeof question->uuid, "%.36s", uuid);
    question->secure = secure;
    question->answer = answer_to;
    question->data = data;
    question->next = host->questions;
    if (question->next != NULL) {
        question->next->previous = question;
    }
    host->questions = question;
    role_submit(host, ROLE_SYNC, &question->call);
}

void xml_questions_end(struct host *host, enum lodge_error_kind kind, const char *why)
{
    struct lodge_error err = {0};
    lodge_fail(&err, kind, "host '%s': %s", host->name, why);
    while (host->questions != NULL) {
        answer(host->questions, NULL, &err);
    }
}
