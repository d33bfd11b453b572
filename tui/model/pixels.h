/*
 * pixels: a picture as the TUI shows it: read from a PNG, and kept no finer than a terminal can
 * draw. One thread.
 */
#ifndef TUI_MODEL_PIXELS_H
#define TUI_MODEL_PIXELS_H

#include "lodge/error.h"

#include <stddef.h>
#include <stdint.h>

struct colour {
    uint8_t red, green, blue;
};

/* Colours mixed so that what is bright and small, as text is, outshines the dark around it, even
 * more than light does. */
struct mix {
    uint64_t red, green, blue, count; /* sums of fourth powers */
};

struct pixels {
    int width, height;      /* of what is kept */
    int was_wide, was_high; /* of the picture; what is kept may be a part of it in each direction */
    struct colour *items;   /* width * height, row by row; owned, NULL: no picture */
};

/* Reads a PNG. INVALID, and nothing is read, when it is none or has more than PIXELS_MOST. */
bool pixels_read(struct pixels *ret_pixels, const void *png, size_t size, struct lodge_error *err)
    LODGE_MUST_CHECK;
void pixels_done(struct pixels *pixels);

/* The mix of a part, of at least one pixel; it must lie in the picture. */
struct colour pixels_mix(const struct pixels *pixels, int x, int y, int width, int height);

void mix_add(struct mix *mix, struct colour colour);

/* Black, if nothing was added. */
struct colour mix_colour(const struct mix *mix);

/* How bright it looks, 0 to 255 (ITU-R BT.601). */
int colour_luma(struct colour colour);

#endif
