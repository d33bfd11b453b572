/*
 * disk_mark: what a file is by the marks that formats put into it. Blocks: worker-only.
 *
 * A raw disk has no mark, so any file could be taken for one; a file that is marked as something
 * else is not.
 */
#ifndef HOST_DISK_MARK_H
#define HOST_DISK_MARK_H

#include <stdbool.h>
#include <stdint.h>

/* The first bytes of a qcow2 image, of any version. */
bool disk_mark_is_qcow2(int fd);

/* "a VMDK image", and what to do about it; NULL when there is no mark that is known (qcow2's is
 * none of these). `size` is the file's. */
const char *disk_mark_read(int fd, int64_t size, const char **ret_advice);

#endif
