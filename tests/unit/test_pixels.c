/* Pictures as the TUI keeps them. */
#include "support/test.h"

#include "model/pixels.h"
#include "support/png.h"

static void read_rgb(struct pixels *pixels, const unsigned char *rgb, unsigned width,
                     unsigned height)
{
    struct lodge_error err = {0};
    size_t size;
    void *png = png_of(rgb, width, height, &size);

    assert_true(pixels_read(pixels, png, size, &err));
    free(png);
}

static void expect_colour(struct colour colour, int red, int green, int blue)
{
    assert_int_equal(colour.red, red);
    assert_int_equal(colour.green, green);
    assert_int_equal(colour.blue, blue);
}

static void a_small_picture_is_kept_as_it_is(void **state)
{
    static const unsigned char rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};
    struct pixels pixels;

    (void)state;
    read_rgb(&pixels, rgb, 2, 2);
    assert_int_equal(pixels.width, 2);
    assert_int_equal(pixels.was_wide, 2);
    expect_colour(pixels.items[0], 255, 0, 0);
    expect_colour(pixels.items[3], 10, 20, 30);
    expect_colour(pixels_mix(&pixels, 0, 0, 2, 1), 214, 214, 0); /* bright beats dark */
    pixels_done(&pixels);
    assert_null(pixels.items);
}

static void a_large_one_is_kept_in_parts(void **state)
{
    unsigned width = 3000;
    unsigned height = 2;
    unsigned char *rgb = calloc((size_t)width * height, 3);
    struct pixels pixels;

    (void)state;
    assert_non_null(rgb);
    memset(rgb, 90, 9); /* the first three of the first line: one kept pixel */
    read_rgb(&pixels, rgb, width, height);
    assert_int_equal(pixels.width, 1000);
    assert_int_equal(pixels.height, 2);
    assert_int_equal(pixels.was_wide, 3000);
    expect_colour(pixels.items[0], 90, 90, 90);
    expect_colour(pixels.items[1], 0, 0, 0);
    expect_colour(pixels.items[1000], 0, 0, 0);
    pixels_done(&pixels);
    free(rgb);
}

static void what_is_no_picture_is_refused(void **state)
{
    static const unsigned char rgb[3 * 64] = {1, 2, 3};
    struct pixels pixels;
    struct lodge_error err = {0};
    size_t size;
    unsigned char *png = png_of(rgb, 8, 8, &size);

    (void)state;
    assert_false(pixels_read(&pixels, "no PNG", 6, &err));
    assert_int_equal(err.kind, LODGE_ERROR_INVALID);
    assert_non_null(strstr(err.message, "cannot be read"));
    for (size_t cut = 0; cut < size - 20; cut++) {
        struct lodge_error short_err = {0};
        assert_false(pixels_read(&pixels, png, cut, &short_err));
    }
    free(png);
}

/* A header may claim what no memory holds: IHDR's width and height, with the checksum that fits. */
static void one_that_is_too_large_is_refused(void **state)
{
    static const unsigned char rgb[3] = {1, 2, 3};
    static const unsigned char claims[] = {0, 1, 0, 0, 0, 1, 0, 0}; /* 65536 by 65536 */
    struct pixels pixels;
    struct lodge_error err = {0};
    size_t size;
    unsigned char *png = png_of(rgb, 1, 1, &size);

    (void)state;
    memcpy(png + 16, claims, sizeof claims);
    unsigned crc = 0xffffffff; /* PNG, annex D */
    for (size_t i = 12; i < 29; i++) {
        crc ^= png[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++) {
        png[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
    }
    assert_false(pixels_read(&pixels, png, size, &err));
    assert_string_equal(err.message, "a picture of 65536x65536 pixels is too large");
    free(png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_small_picture_is_kept_as_it_is),
        TEST(a_large_one_is_kept_in_parts),
        TEST(what_is_no_picture_is_refused),
        TEST(one_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests_name("pixels", tests, NULL, NULL);
}
