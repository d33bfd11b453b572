/*
 * disk_header: the files that a disk image names in its header: what it is based on, where its data
 * are.
 *
 * Read by this code and by no tool that would open them. Whoever wrote the header may lie: nothing
 * is done with the names but to look whether they mean a file that is about to be deleted, which
 * then stays. Who calls decides whose header is looked at: never that of a disk that its definition
 * calls raw, whose first bytes are its guest's.
 */
#ifndef HOST_DISK_HEADER_H
#define HOST_DISK_HEADER_H

#include <stdbool.h>
#include <stddef.h>

struct header_name {
    char *text;           /* as it stands there: a path, relative to the image or not, or a URL */
    bool may_name_others; /* that file's format is not said to be raw */
};

struct header_names {
    struct header_name *items;
    size_t count;
};

/* Adds the names in the header of a qcow, qcow2, QED or VMDK image; in what is none of these are
 * none. `fd` is a regular file, open for reading. False when it cannot be read (errno). */
bool disk_header_read(int fd, struct header_names *names);

void header_names_clear(struct header_names *names);

#endif
