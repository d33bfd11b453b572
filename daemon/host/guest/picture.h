/*
 * picture: a guest's screen as a PNG, made of what libvirt sends of it.
 *
 * libvirt's QEMU driver sends a PNG, or where QEMU writes none a PPM, which becomes a PNG row by
 * row as it comes: a guest chooses how large its screen is, and gets no more memory by that than
 * PICTURE_MAX and a row. Any thread, one at a time.
 */
#ifndef HOST_PICTURE_H
#define HOST_PICTURE_H

#include "buffer.h"
#include "lodge/error.h"

enum {
    PICTURE_SIDE_MAX = 8192,
    PICTURE_MAX = 16 * 1024 * 1024, /* bytes of the PNG; as base64 a third more, and clients take
                                       answers up to 64 MiB */
};

struct picture_maker;
struct picture_maker *picture_maker_new(void);
void picture_maker_free(struct picture_maker *maker); /* NULL is fine */

/* The next bytes, in any portions. HYPERVISOR when they are no such picture, UNSUPPORTED when it is
 * too large; nothing more may be added then. */
bool picture_maker_add(struct picture_maker *maker, const void *bytes, size_t size,
                       struct lodge_error *err) LODGE_MUST_CHECK;

/* There are no more. The PNG goes to `ret_png`, which was empty and is the caller's. */
bool picture_maker_end(struct picture_maker *maker, struct buffer *ret_png, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
