/*
 * domain_xml_files: every file that a definition names, a domain's, a snapshot's or a checkpoint's.
 *
 * Whatever element it stands in: who deletes files asks first who uses them, and there a name too
 * many costs a file that stays, one too few somebody's disk. Left out is only what people write for
 * people (names, titles, descriptions, metadata): it uses nothing, and lodge's own users may write
 * some of it. Any thread.
 */
#ifndef HOST_DOMAIN_XML_FILES_H
#define HOST_DOMAIN_XML_FILES_H

#include "lodge/error.h"

#include <stddef.h>

enum named_as {
    NAMED_ANYHOW,  /* a kernel, a log, an argument of QEMU's, … */
    NAMED_DISK,    /* one that its guest may write to */
    NAMED_MEDIA,   /* one that it may not */
    NAMED_BACKING, /* by a <backingStore>, a <mirror> or a <dataStore> */
    NAMED_NVRAM,
    NAMED_MEMORY, /* a snapshot's */
};

struct named_file {
    enum named_as as;
    char *path;           /* absolute; NULL: … */
    char *pool, *volume;  /* … a volume of libvirt's; NULL: … */
    char *text;           /* … anything else that is long enough to hold a name of lodge's */
    bool may_name_others; /* its format, as the definition says it, is none that cannot */
};

struct named_files {
    struct named_file *items;
    size_t count;
};

/* Adds to the list. INTERNAL for text that is no definition; what was added then stays. */
bool domain_xml_files(const char *xml, struct named_files *files, struct lodge_error *err)
    LODGE_MUST_CHECK;

void named_files_clear(struct named_files *files);

#endif
