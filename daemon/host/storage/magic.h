/*
 * magic: what a file is by the magic bytes that formats put into it. Blocks: worker-only.
 *
 * A raw disk has none, so any file could be taken for one; a file that has those of something
 * else is not.
 */
#ifndef HOST_MAGIC_H
#define HOST_MAGIC_H

#include <stdbool.h>
#include <stdint.h>

/* The first bytes of a qcow2 image, of any version. */
bool magic_is_qcow2(int fd);

/* "a VMDK image", and what to do about it; NULL when there are none that are known (qcow2's are
 * none of these). `size` is the file's. */
const char *magic_read(int fd, int64_t size, const char **ret_advice);

#endif
