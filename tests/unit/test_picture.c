/* picture: what a guest may send as its screen, and what is made of it. A guest is nobody's friend:
 * it chooses the size, and a QEMU that it has taken over chooses every byte. */
#include "support/test.h"

#include "host/guest/picture.h"
#include "scope.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_SIZE = 24 }; /* of a PNG, to the end of its size */

/* Adds `bytes` in portions of `part`. */
static bool make(const void *bytes, size_t size, size_t part, struct buffer *ret_png,
                 struct lodge_error *err)
{
    struct picture_maker *maker = picture_maker_new();
    bool good = true;
    for (size_t at = 0; good && at < size; at += part) {
        good = picture_maker_add(maker, (const char *)bytes + at,
                                 size - at < part ? size - at : part, err);
    }
    good = good && picture_maker_end(maker, ret_png, err);
    picture_maker_free(maker);
    return good;
}

static void expect_refusal(const void *bytes, size_t size, enum lodge_error_kind kind,
                           const char *word)
{
    static const size_t parts[] = {1, 7, SIZE_MAX / 2};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        struct buffer png = {0};
        struct lodge_error err = {0};
        if (make(bytes, size, parts[i], &png, &err)) {
            fail_msg("'%.*s' is taken for a picture", (int)size, (const char *)bytes);
        }
        assert_int_equal(err.kind, kind);
        assert_non_null(strstr(err.message, word));
        assert_null(png.data);
    }
}

/* A PPM whose pixels all differ. The caller frees. */
static unsigned char *ppm_new(int width, int height, size_t *ret_size, size_t *ret_head)
{
    size_t pixels = (size_t)width * (size_t)height * 3;
    unsigned char *ppm = malloc(pixels + 32);
    assert_non_null(ppm);
    *ret_head = (size_t)snprintf((char *)ppm, 32, "P6\n%d %d\n255\n", width, height);
    for (size_t i = 0; i < pixels; i++) {
        ppm[*ret_head + i] = (unsigned char)(i * 31 + i / 251);
    }
    *ret_size = *ret_head + pixels;
    return ppm;
}

static void a_PPM_becomes_a_PNG_of_the_same_pixels(void **state)
{
    (void)state;
    static const struct {
        int width, height;
        size_t part;
    } rows[] = {{1, 1, 1},         {1, 1, 100},    {2, 3, 5},
                {720, 400, 65536}, {8192, 1, 999}, {1, 8192, 64}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer png = {0};
        struct lodge_error err = {0};
        size_t size = 0;
        size_t head = 0;
        AUTO(free) unsigned char *ppm = ppm_new(rows[i].width, rows[i].height, &size, &head);

        if (!make(ppm, size, rows[i].part, &png, &err)) {
            fail_msg("%dx%d: %s", rows[i].width, rows[i].height, err.message);
        }

        png_image image = {.version = PNG_IMAGE_VERSION};
        assert_true(png_image_begin_read_from_memory(&image, png.data, png.length));
        assert_int_equal(image.width, rows[i].width);
        assert_int_equal(image.height, rows[i].height);
        image.format = PNG_FORMAT_RGB;
        AUTO(free) unsigned char *pixels = malloc(PNG_IMAGE_SIZE(image));
        assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
        assert_memory_equal(pixels, ppm + head, size - head);
        buffer_free(&png);
    }
}

static void a_PNG_stays_as_it_is(void **state)
{
    (void)state;
    struct buffer png = {0};
    struct lodge_error err = {0};
    size_t size = 0;
    size_t head = 0;
    AUTO(free) unsigned char *ppm = ppm_new(20, 10, &size, &head);
    assert_true(make(ppm, size, size, &png, &err));
    for (size_t part = 1; part < png.length; part += 11) {
        struct buffer same = {0};

        assert_true(make(png.data, png.length, part, &same, &err));

        assert_int_equal(same.length, png.length);
        assert_memory_equal(same.data, png.data, png.length);
        buffer_free(&same);
    }
    buffer_free(&png);
}

static void hostile_heads_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "P6\n8193 1\n255\n",       "P6\n1 8193\n255\n",
        "P6\n0 1\n255\n",          "P6\n1 0\n255\n",
        "P6\n-1 1\n255\n",         "P6\n+1 1\n255\n",
        "P6\n4294967297 1\n255\n", "P6\n99999999999999999999",
        "P6\n01 1\n255\n",         "P6\n1  1\n255\n",
        "P6\n1 1\n254\n",          "P6\n1 1\n65535\n",
        "P6\n1 1\n255255\n",       "P6\n# a comment\n1 1\n",
        "P6\n1x1\n255\nxxx",       "P5\n1 1\n255\nxxx",
        "P3\n1 1\n255\n0 0 0",     "P61 1\n255\nxxx",
        "\x89PNG\r\n\x1a\r",       "GIF89a",
        " P6\n1 1\n255\nxxx",      "<html>",
        "P6\n1 1\n0x255\n",        "P6\n1.0 1\n255\n",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_refusal(rows[i], strlen(rows[i]), LODGE_ERROR_HYPERVISOR, "neither a PNG nor a PPM");
    }
    expect_refusal("P6\n1\0001\n255\nxxx", 14, LODGE_ERROR_HYPERVISOR, "neither");
}

static void a_PNG_that_claims_to_be_huge_is_refused(void **state)
{
    (void)state;
    static const unsigned char sides[][8] = {
        {0, 0, 0x20, 1, 0, 0, 0, 1}, {0, 0, 0, 1, 0, 0, 0x20, 1}, {0, 0, 0, 0, 0, 0, 0, 1},
        {0, 0, 0, 1, 0, 0, 0, 0},    {0x80, 0, 0, 1, 0, 0, 0, 1}, {255, 255, 255, 255, 0, 0, 0, 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(sides); i++) {
        unsigned char head[HEAD_SIZE] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
        memcpy(head + 16, sides[i], sizeof sides[i]);
        expect_refusal(head, sizeof head, LODGE_ERROR_HYPERVISOR, "neither");
    }
}

static void pictures_that_end_early_or_late_are_refused(void **state)
{
    (void)state;
    size_t size = 0;
    size_t head = 0;
    AUTO(free) unsigned char *ppm = ppm_new(4, 4, &size, &head);
    for (size_t length = 1; length < size; length++) {
        expect_refusal(ppm, length, LODGE_ERROR_HYPERVISOR, "ends in the middle");
    }
    expect_refusal("", 0, LODGE_ERROR_HYPERVISOR, "ends in the middle");
    ppm[size] = 'x';
    expect_refusal(ppm, size + 1, LODGE_ERROR_HYPERVISOR, "more bytes than its head says");
    struct buffer png = {0};
    struct lodge_error err = {0};
    assert_true(make(ppm, size, size, &png, &err));
    for (size_t length = 1; length < png.length; length++) {
        expect_refusal(png.data, length, LODGE_ERROR_HYPERVISOR, "ends in the middle");
    }
    buffer_free(&png);
}

/* The screen as noise, which no PNG makes smaller, and a PNG without end. */
static void a_picture_that_is_too_large_is_refused_before_it_is_whole(void **state)
{
    (void)state;
    enum { PART = 65536 };
    struct picture_maker *maker = picture_maker_new();
    struct lodge_error err = {0};
    static unsigned char noise[PART];
    uint32_t random = 1;
    size_t added = 0;
    bool good = picture_maker_add(maker, "P6\n8192 8192\n255\n", 17, &err);
    for (; good && added < (size_t)8192 * 8192 * 3; added += PART) {
        for (size_t i = 0; i < PART; i++) {
            random = random * 1664525 + 1013904223;
            noise[i] = (unsigned char)(random >> 24);
        }
        good = picture_maker_add(maker, noise, PART, &err);
    }
    assert_int_equal(err.kind, LODGE_ERROR_UNSUPPORTED);
    assert_true(added < PICTURE_MAX + 4 * PART);
    picture_maker_free(maker);

    unsigned char head[HEAD_SIZE] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    head[19] = head[23] = 1;
    maker = picture_maker_new();
    err = (struct lodge_error){0};
    good = picture_maker_add(maker, head, sizeof head, &err);
    for (added = 0; good && added < (size_t)4 * PICTURE_MAX; added += PART) {
        good = picture_maker_add(maker, noise, PART, &err);
    }
    assert_int_equal(err.kind, LODGE_ERROR_UNSUPPORTED);
    assert_true(added <= PICTURE_MAX);
    picture_maker_free(maker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_PPM_becomes_a_PNG_of_the_same_pixels),
        TEST(a_PNG_stays_as_it_is),
        TEST(hostile_heads_are_refused),
        TEST(a_PNG_that_claims_to_be_huge_is_refused),
        TEST(pictures_that_end_early_or_late_are_refused),
        TEST(a_picture_that_is_too_large_is_refused_before_it_is_whole),
    };
    return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}
