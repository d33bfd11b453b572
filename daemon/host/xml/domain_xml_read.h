/*
 * domain_xml_read: a domain's XML -> what is told of it (struct domain_facts).
 *
 * The text is libvirt's, but what is in it was written by whoever defined the domain: no network,
 * no entities, no document types, bounded size and depth. Any thread.
 */
#ifndef HOST_DOMAIN_XML_READ_H
#define HOST_DOMAIN_XML_READ_H

#include "host/report.h"
#include "lodge/error.h"

/* lodge's own words in a domain's <metadata>: <lodge:vm xmlns:lodge="…"><lodge:tag>ci</lodge:tag>.
 */
#define DOMAIN_XML_NAMESPACE "urn:lodge:vm:1"

/* Once, before threads read. Keeps libxml2 silent in the whole process. */
void domain_xml_start(void);

/* False with INTERNAL for text that is no domain; nothing is left to clear then. What the XML does
 * not say is unknown. */
bool domain_xml_read(const char *xml, struct domain_facts *ret_facts, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* lodge's mark in a domain: <lodge:made installation="…" op="…" uuid="…" committed="1"/>. */
struct domain_mark {
    char installation[33]; /* "" without a mark, or with another domain's */
    int64_t op;            /* that made the domain */
    bool committed;        /* it was past its point of no return: the guest may have run since */
};

/* In the metadata element (virDomainGetMetadata) of the domain with that uuid. */
struct domain_mark domain_xml_read_mark(const char *metadata, const char *uuid);

/* Frees what the facts still own. */
void domain_facts_clear(struct domain_facts *facts);

#endif
