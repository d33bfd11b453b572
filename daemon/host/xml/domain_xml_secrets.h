/*
 * domain_xml_secrets: a definition without what nobody else is to read. libxml2 reads and writes
 * it. Any thread.
 *
 * libvirt tells passwords of screens only to those who ask with VIR_DOMAIN_XML_SECURE; cookies,
 * what is asked of a web server and arguments for QEMU it tells everybody. What goes into a
 * journal, and from there into backups, has none of them.
 */
#ifndef HOST_DOMAIN_XML_SECRETS_H
#define HOST_DOMAIN_XML_SECRETS_H

#include "lodge/error.h"

/* The definition `xml` with neither its secrets nor a sign of where they were; of one that has lost
 * them before (or part of them, by libvirt) it makes the same text. It is for comparing and for the
 * journal, never for virDomainDefineXML. The caller frees. NULL with INTERNAL for what is no
 * domain's XML. */
char *domain_xml_without_secrets(const char *xml, struct lodge_error *err);

#endif
