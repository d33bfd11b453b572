/* png: a picture as a PNG, for what reads them. */
#ifndef TESTS_SUPPORT_PNG_H
#define TESTS_SUPPORT_PNG_H

#include "support/test.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* Of RGB bytes; the caller frees. */
static inline void *png_of(const unsigned char *rgb, unsigned width, unsigned height,
                           size_t *ret_size)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    png_alloc_size_t size = 0;

    image.width = width;
    image.height = height;
    image.format = PNG_FORMAT_RGB;
    assert_true(png_image_write_to_memory(&image, NULL, &size, 0, rgb, 0, NULL));
    void *png = malloc(size);
    assert_non_null(png);
    assert_true(png_image_write_to_memory(&image, png, &size, 0, rgb, 0, NULL));
    *ret_size = size;
    return png;
}

#endif
