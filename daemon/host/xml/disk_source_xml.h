/*
 * disk_source_xml: a disk that lodge made, and what a domain's XML says of the one at a target. Any
 * thread.
 */
#ifndef HOST_DISK_SOURCE_XML_H
#define HOST_DISK_SOURCE_XML_H

#include "lodge/error.h"

#include <stddef.h>

struct disk_source {
    char *file;          /* its path; NULL unless the disk is a whole file … */
    char *pool, *volume; /* … or a reference to a pool's volume, then both */
    char *format;        /* that it is read in; NULL: not said */
    char *words;         /* whatever it is, for a person */
};

/* NOT_FOUND when the domain has no disk there; nothing is left to clear then. */
bool disk_source_read(const char *xml, const char *target, struct disk_source *ret_source,
                      struct lodge_error *err) LODGE_MUST_CHECK;
void disk_source_clear(struct disk_source *source);

#endif
