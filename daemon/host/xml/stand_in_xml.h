/* stand_in_xml: the XML of a guest that has some disks and nothing else. Any thread. */
#ifndef HOST_STAND_IN_XML_H
#define HOST_STAND_IN_XML_H

#include "lodge/error.h"
#include "records.h"

/* What its mark names in place of an installation. */
#define STAND_IN_MARK "stand-in"

struct stand_in_plan {
    const char *uuid;
    int64_t op;
    const struct disk_row *disks;
    size_t count;
};

/* The caller frees. NULL with INTERNAL if a text cannot be said in XML. */
char *stand_in_xml_write(const struct stand_in_plan *plan, struct lodge_error *err);

#endif
