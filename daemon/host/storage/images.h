/*
 * images: the library: disk images, ISOs and kernels by name, from directories of this machine
 * (`[images] dirs`). No client names a path: a name is opened beneath a library directory and
 * nothing else. Blocks: worker-only.
 */
#ifndef HOST_IMAGES_H
#define HOST_IMAGES_H

#include "lodge/error.h"
#include "lodge/strings.h"

#include <stdint.h>

enum image_kind { IMAGE_NONE, IMAGE_DISK, IMAGE_ISO, IMAGE_KERNEL };
const char *image_kind_name(enum image_kind kind); /* disk, iso, kernel */

/* All strings are the image's. */
struct image {
    enum image_kind kind;
    char *name;       /* the file's name in its directory; a kernel's is its folder's */
    char *path;       /* absolute */
    char *format;     /* DISK: qcow2 or raw, by its content; else NULL */
    int64_t size_gib; /* DISK: what a guest would see, rounded up */
    char *initrd;     /* KERNEL, absolute; path is its vmlinuz */
    char *cmdline;    /* KERNEL, one line */
};
void image_clear(struct image *image);

/* Finds by name. PARAMS (naming `param`) for a name with '/', "." or "..", or that is no plain
 * text; NOT_FOUND when no directory has one of that kind; UNSUPPORTED, with the reason, for what is
 * called so and cannot be used: no image of the formats qcow2 and raw, not all of one, based on
 * something outside the library, no regular file. */
bool image_find(const struct lodge_strings *dirs, const char *name, enum image_kind kind,
                const char *param, struct image *ret_image, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* Opens a disk image that image_find() has found, by its path, to be copied: looked up beneath the
 * library and read anew. NOT_FOUND, UNSUPPORTED as above. */
struct chain;
bool image_open(const struct lodge_strings *dirs, const char *path, struct chain *ret_chain,
                struct lodge_error *err) LODGE_MUST_CHECK;

/* All of them that can be used, in order of name; a directory that cannot be read is skipped and
 * logged once. */
typedef void image_fn(void *data, const struct image *image);
void image_list(const struct lodge_strings *dirs, image_fn *each, void *data);

#endif
