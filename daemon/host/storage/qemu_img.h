/*
 * qemu_img: disk images by QEMU's own tool, spawned without a shell and kept within bounds
 * (tool.h). Blocks: worker-only.
 *
 * What is written is an open file and not a name: the tool could truncate what a name has come to
 * mean. So is what is read, each with its format, so that nothing in it is taken for a format's
 * header, or for the name of something else to read.
 */
#ifndef HOST_QEMU_IMG_H
#define HOST_QEMU_IMG_H

#include "lodge/error.h"

#include <stdatomic.h>
#include <stdint.h>

/* An empty image of `size_gib` into the open, empty file `fd`. */
bool qemu_img_create(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
    LODGE_MUST_CHECK;

struct chain;
/* How long a copy of it may take, in seconds: by what is in its files, and never more than a day,
 * whatever they say of themselves. */
int64_t qemu_img_patience(const struct chain *source);

/* Copies the image `source`, with all it is based on, into the empty image `fd`, which must be no
 * smaller. CANCELLED soon after *cancelled is set; then the tool has ended. CONFLICT when a file of
 * the chain has changed meanwhile. */
bool qemu_img_fill(int fd, const char *format, const struct chain *source,
                   const atomic_bool *cancelled, struct lodge_error *err) LODGE_MUST_CHECK;

/* Grows; never shrinks. */
bool qemu_img_resize(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
