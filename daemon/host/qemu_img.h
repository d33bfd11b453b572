/*
 * qemu_img: disk images by QEMU's own tool, spawned without a shell. Blocks: worker-only.
 *
 * What is written is an open file and not a name: the tool could truncate what a name has come to
 * mean, and one that outlives a killed lodged cannot make anew what was removed meanwhile. Sources
 * are given with their format, so that nothing in them is taken for a format's header.
 */
#ifndef HOST_QEMU_IMG_H
#define HOST_QEMU_IMG_H

#include "lodge/error.h"

#include <stdatomic.h>
#include <stdint.h>

/* An empty image of `size_gib` into the open, empty file `fd`. */
bool qemu_img_create(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* Copies the image `source`, with all it is based on, into the empty image `fd`, which must be no
 * smaller. CANCELLED soon after *cancelled is set; then the tool has ended. */
bool qemu_img_fill(int fd, const char *format, const char *source, const char *source_format,
                   const atomic_bool *cancelled, struct lodge_error *err) LODGE_MUST_CHECK;

/* Grows; never shrinks. */
bool qemu_img_resize(int fd, const char *format, int64_t size_gib, struct lodge_error *err)
    LODGE_MUST_CHECK;

struct qemu_img_info {
    char *format;
    int64_t bytes; /* what a guest sees */
    char *backing; /* what it is based on, or NULL; relative to it, or no path at all */
};

/* Reads the header alone, also while somebody writes; `format` NULL: by its content. */
bool qemu_img_info(int fd, const char *format, struct qemu_img_info *ret_info,
                   struct lodge_error *err) LODGE_MUST_CHECK;
void qemu_img_info_clear(struct qemu_img_info *info);

#endif
