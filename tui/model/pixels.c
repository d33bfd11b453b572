/*
 * pixels: libpng gives the whole picture as RGB; one with more than KEPT_MOST in a direction is
 * kept as the mix of its parts. Sums of fourth powers over PIXELS_MOST pixels fit into 64 bits.
 */
#include "model/pixels.h"

#include "memory.h"
#include "scope.h"

#include <math.h>
#include <png.h>

/* What vm.screenshot gives at most. */
#define PIXELS_MOST (UINT64_C(8192) * 8192)

/* In each direction; no terminal draws more. */
#define KEPT_MOST 1024

static bool is_no_picture(const png_image *image, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_INVALID, "the picture cannot be read: %s", image->message);
}

/* The whole picture; the caller frees. */
static struct colour *read_png_rows(png_image *image, const void *png, size_t size,
                                    struct lodge_error *err)
{
    static const png_color black = {0};

    if (!png_image_begin_read_from_memory(image, png, size)) {
        (void)is_no_picture(image, err);
        return NULL;
    }
    if ((uint64_t)image->width * image->height > PIXELS_MOST) {
        (void)lodge_fail(err, LODGE_ERROR_INVALID, "a picture of %ux%u pixels is too large",
                         image->width, image->height);
        png_image_free(image);
        return NULL;
    }
    image->format = PNG_FORMAT_RGB;
    struct colour *items = xcalloc((size_t)image->width * image->height, sizeof *items);
    if (!png_image_finish_read(image, &black, items, 0, NULL)) {
        (void)is_no_picture(image, err);
        free(items);
        return NULL;
    }
    return items;
}

static int colour_parts(int length)
{
    return (length + KEPT_MOST - 1) / KEPT_MOST;
}

bool pixels_read(struct pixels *ret_pixels, const void *png, size_t size, struct lodge_error *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    AUTO(free) struct colour *items = read_png_rows(&image, png, size, err);

    _Static_assert(sizeof(struct colour) == 3, "as libpng writes them");
    if (items == NULL) {
        return false;
    }
    struct pixels whole = {(int)image.width, (int)image.height, (int)image.width, (int)image.height,
                           items};
    int across = colour_parts(whole.width);
    int down = colour_parts(whole.height);
    *ret_pixels = whole;
    if (across == 1 && down == 1) {
        (void)TAKE(items);
        return true;
    }
    ret_pixels->width = whole.width / across;
    ret_pixels->height = whole.height / down;
    size_t count = (size_t)ret_pixels->width * (size_t)ret_pixels->height;
    ret_pixels->items = xcalloc(count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        int x = (int)(i % (size_t)ret_pixels->width);
        int y = (int)(i / (size_t)ret_pixels->width);
        ret_pixels->items[i] = pixels_mix(&whole, x * across, y * down, across, down);
    }
    return true;
}

void pixels_done(struct pixels *pixels)
{
    free(pixels->items);
    *pixels = (struct pixels){0};
}

static uint64_t fourth_power(uint64_t number)
{
    return number * number * number * number;
}

void mix_add(struct mix *mix, struct colour colour)
{
    mix->red += fourth_power(colour.red);
    mix->green += fourth_power(colour.green);
    mix->blue += fourth_power(colour.blue);
    mix->count++;
}

static uint8_t root(uint64_t sum, uint64_t count)
{
    return (uint8_t)lround(sqrt(sqrt((double)sum / (double)count)));
}

struct colour mix_colour(const struct mix *mix)
{
    uint64_t count = mix->count == 0 ? 1 : mix->count;

    return (struct colour){root(mix->red, count), root(mix->green, count), root(mix->blue, count)};
}

struct colour pixels_mix(const struct pixels *pixels, int x, int y, int width, int height)
{
    struct mix mix = {0};

    for (int row = y; row < y + height; row++) {
        const struct colour *line = &pixels->items[(size_t)row * (size_t)pixels->width];
        for (int column = x; column < x + width; column++) {
            mix_add(&mix, line[column]);
        }
    }
    return mix_colour(&mix);
}

int colour_luma(struct colour colour)
{
    return (299 * colour.red + 587 * colour.green + 114 * colour.blue) / 1000;
}
