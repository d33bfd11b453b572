/*
 * domain_xml_memory: a domain's memory, changed in its XML with all that must agree with it. Any
 * thread.
 */
#ifndef HOST_DOMAIN_XML_MEMORY_H
#define HOST_DOMAIN_XML_MEMORY_H

#include "host/xml/libvirt_xml.h"
#include "lodge/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Exactly so much in all, memory devices included, and none of it ballooned away (<currentMemory>).
 * UNSUPPORTED, with nothing changed, where that cannot be. */
bool domain_memory_edit(xmlNode *domain, int64_t mebibytes, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
