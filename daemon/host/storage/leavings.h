/*
 * leavings: what stays behind when a VM is deleted without what lodge did not make: disks that
 * others attached, overlays that another tool's snapshot put on top of lodge's disk, a snapshot's
 * memory. Worker-only.
 */
#ifndef HOST_LEAVINGS_H
#define HOST_LEAVINGS_H

#include "host/storage/storage.h"
#include "host/task.h"

#include <sys/types.h>

struct leaving {
    char *path; /* NULL: a definition says that an image is based on one of ours, which of them it
                   may */
    ssize_t on; /* which of ours it is based on, -1: none */
};

struct leavings {
    struct leaving *items;
    size_t count;
    char *doubt; /* what could not be looked into, so that any of ours may be below it; NULL:
                    nothing */
};

/* What the domain's definitions name and is none of `ours` (paths), as it is now. Media and what a
 * disk of other people's is based on are nothing of the VM's. Absent is no failure. */
bool domain_leavings(struct host_conn *conn, const char *uuid, const struct lodge_strings *ours,
                     struct leavings *ret_leavings, struct lodge_error *err) LODGE_MUST_CHECK;
void leavings_clear(struct leavings *leavings);

#endif
