/*
 * domain_xml_vcpus: the number of a domain's vCPUs, changed in its XML with all that must agree
 * with it. Any thread.
 */
#ifndef HOST_DOMAIN_XML_VCPUS_H
#define HOST_DOMAIN_XML_VCPUS_H

#include "host/libvirt_xml.h"

#include <stdint.h>

void domain_vcpus_edit(xmlNode *domain, int64_t vcpus);

#endif
