/*
 * domain_xml_vcpus: the number of a domain's vCPUs, changed in its XML with all that must agree
 * with it. Any thread.
 */
#ifndef HOST_DOMAIN_XML_VCPUS_H
#define HOST_DOMAIN_XML_VCPUS_H

#include "host/xml/libvirt_xml.h"
#include "lodge/error.h"
#include "lodge/strings.h"

#include <stdbool.h>
#include <stdint.h>

/* So many when it boots. What could not stay is added to `dropped`, for a person to read: at most
 * one text of each kind. UNSUPPORTED, with nothing changed, where lodge cannot. */
bool domain_vcpus_edit(xmlNode *domain, int64_t vcpus, struct lodge_strings *dropped,
                       struct lodge_error *err) LODGE_MUST_CHECK;

#endif
