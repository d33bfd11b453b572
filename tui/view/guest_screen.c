/*
 * guest_screen: the picture of a guest's screen, in characters.
 *
 * A cell shows several points of the picture in two colours: the mix of its bright points and that
 * of its dark ones. With colours these are the quarter blocks (2 by 2), where the terminal draws
 * them one column wide; else braille's dots (2 by 4), whose width nobody disputes; and without
 * UTF-8 one point, as a coloured blank or, without colours too, a character as dense as it is
 * bright.
 */
#include "view/figures.h"
#include "view/view.h"

#include <string.h>

enum { DOWN_MOST = 4, POINTS_MOST = 2 * DOWN_MOST };

/* Less than this between the brightest and the darkest point of a cell is one colour. */
#define CONTRAST 24

struct grid {
    int across, down; /* points of a cell */
};

/* In which part of the picture a cell lies. */
struct fit {
    const struct pixels *pixels;
    struct area area; /* on the canvas */
    struct grid grid;
};

static struct grid grid_of(const struct canvas *canvas)
{
    bool blocks = canvas->glyphs == GLYPHS_LINES && canvas->palette != PALETTE_NONE;

    return canvas->glyphs == GLYPHS_ASCII ? (struct grid){1, 1}
           : blocks                       ? (struct grid){2, 2}
                                          : (struct grid){2, DOWN_MOST};
}

/* As large as it fits with its shape kept, a cell being twice as high as it is wide, and in the
 * middle; never larger than the guest's own. */
static struct area place_picture(const struct pixels *pixels, struct area area)
{
    int64_t width = area.width < pixels->was_wide ? area.width : pixels->was_wide;
    int64_t height = width * pixels->was_high / pixels->was_wide / 2;

    if (height > area.height) {
        height = area.height;
        width = height * 2 * pixels->was_wide / pixels->was_high;
    }
    width = width < 1 ? 1 : width > area.width ? area.width : width;
    height = height < 1 ? 1 : height;
    return (struct area){area.x + (area.width - (int)width) / 2, area.y, (int)width, (int)height};
}

/* One of `parts` parts of `length`, at least one long, without a gap to the next. */
static void part(int length, int parts, int index, int *ret_at, int *ret_length)
{
    int from = (int)((int64_t)length * index / parts);
    int to = (int)((int64_t)length * (index + 1) / parts);

    *ret_at = from;
    *ret_length = to > from ? to - from : 1;
}

static struct colour picture_point(const struct fit *fit, int x, int y)
{
    int left;
    int top;
    int width;
    int height;

    part(fit->pixels->width, fit->area.width * fit->grid.across, x, &left, &width);
    part(fit->pixels->height, fit->area.height * fit->grid.down, y, &top, &height);
    return pixels_mix(fit->pixels, left, top, width, height);
}

/* The mix of the points whose bit in `mask` is `set`. */
static struct colour mix_of(const struct colour *points, int count, unsigned mask, bool set)
{
    struct mix mix = {0};

    for (int i = 0; i < count; i++) {
        if (((mask >> i & 1U) != 0) == set) {
            mix_add(&mix, points[i]);
        }
    }
    return mix_colour(&mix);
}

/* Which points are bright: against the middle of their own cell, so that faint text is seen too. */
static unsigned bright(const struct colour *points, int count, bool coloured)
{
    int least = 255;
    int most = 0;
    unsigned mask = 0;

    for (int i = 0; i < count; i++) {
        int luma = colour_luma(points[i]);
        least = luma < least ? luma : least;
        most = luma > most ? luma : most;
    }
    bool even = most - least < CONTRAST;
    int middle = even ? 128 : (least + most + 1) / 2;
    for (int i = 0; i < count && !(even && coloured); i++) {
        mask |= colour_luma(points[i]) >= middle ? 1U << i : 0;
    }
    return mask;
}

/* The character of a mask: points row by row from the lowest bit. */
static uint32_t glyph(struct grid grid, unsigned mask)
{
    static const uint32_t blocks[] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c,
                                      0x259e, 0x259b, 0x2597, 0x259a, 0x2590, 0x259c,
                                      0x2584, 0x2599, 0x259f, 0x2588};
    static const uint8_t dots[POINTS_MOST] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    uint32_t braille = 0x2800;

    if (grid.down == 2) {
        return blocks[mask];
    }
    for (int i = 0; i < POINTS_MOST; i++) {
        braille += (mask >> i & 1U) != 0 ? dots[i] : 0;
    }
    return mask == 0 ? ' ' : braille;
}

static void draw_cell(struct canvas *canvas, const struct fit *fit, int x, int y)
{
    static const char ramp[] = " .:-=+*#%@";
    struct area cell = {fit->area.x + x, fit->area.y + y, 1, 1};
    struct grid grid = fit->grid;
    struct colour points[POINTS_MOST];
    int count = grid.across * grid.down;

    for (int i = 0; i < count; i++) {
        points[i] =
            picture_point(fit, x * grid.across + i % grid.across, y * grid.down + i / grid.across);
    }
    if (count == 1 && canvas->palette == PALETTE_NONE) {
        size_t dense = (size_t)colour_luma(points[0]) * (sizeof ramp - 1) / 256;
        canvas_fill(canvas, cell, STYLE(ROLE_PLAIN), (unsigned char)ramp[dense]);
        return;
    }
    bool coloured = canvas->palette != PALETTE_NONE;
    unsigned mask = count == 1 ? 0 : bright(points, count, coloured);
    struct style style = {.flags = coloured ? STYLE_COLOURS : 0};
    if (coloured) {
        style.ink = (uint8_t)theme_nearest(mix_of(points, count, mask, true), canvas->palette);
        style.paper = (uint8_t)theme_nearest(mix_of(points, count, mask, false), canvas->palette);
    }
    canvas_fill(canvas, cell, style, count == 1 ? ' ' : glyph(grid, mask));
}

void guest_screen_draw(const struct model *model, const struct view_state *state,
                       struct canvas *canvas, struct area area)
{
    const struct shot *shot = &state->shot;
    const struct pixels *pixels = &shot->pixels;

    (void)model;
    struct area line = {area.x + 1, area.y, area.width - 2, 1};
    if (pixels->items == NULL) {
        canvas_text(canvas, line, STYLE(ROLE_DIM), "no picture: V and p on a guest takes one");
        return;
    }
    line.x += canvas_name(canvas, line, STYLE(ROLE_ACCENT), shot->name);
    line.width = area.x + area.width - line.x;
    canvas_format(canvas, line, STYLE(ROLE_DIM), "   %dx%d at %s", pixels->was_wide,
                  pixels->was_high, figure_clock(shot->at_ms).text);
    if (area.height < 2) {
        return;
    }
    struct fit fit = {
        .pixels = pixels,
        .area =
            place_picture(pixels, (struct area){area.x, area.y + 1, area.width, area.height - 1}),
        .grid = grid_of(canvas),
    };
    for (int y = 0; y < fit.area.height; y++) {
        for (int x = 0; x < fit.area.width; x++) {
            draw_cell(canvas, &fit, x, y);
        }
    }
}
