/*
 * picture: the first 24 bytes tell which it is; then a PNG's bytes are copied, and a PPM's are
 * collected into rows, which libpng writes one by one.
 *
 * libpng reports errors by longjmp(): write_head() and picture_write_row() alone call what may
 * jump, and change no local meanwhile. The maker owns everything until picture_maker_end() gives
 * the PNG away.
 */
#include "host/guest/picture.h"

#include "memory.h"
#include "scope.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Screens are flat or noise: zlib's higher levels take up to ten times as long for a few percent.
 */
enum { COMPRESSION = 1, BYTES_PER_PIXEL = 3 };

enum { HEAD_SIZE = 24 }; /* bytes that tell the size, of either */

static const unsigned char png_begin[16] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
static const unsigned char png_last[12] = "\0\0\0\0IEND\xae\x42\x60\x82";

enum head { HEAD_SHORT, HEAD_WRONG, HEAD_PNG, HEAD_PPM };

enum making {
    MAKING_HEAD,
    MAKING_COPY, /* it is a PNG */
    MAKING_ROWS,
    MAKING_DONE, /* all rows are written */
};

struct picture_maker {
    enum making making;
    unsigned char head[HEAD_SIZE];
    size_t head_length;
    int width, height;
    struct buffer out;
    png_structp png;
    png_infop info;
    unsigned char *row;
    size_t row_length, row_size;
    int rows; /* written */
    bool is_too_large;
    char complaint[80]; /* libpng's */
};

/* Heads */

static unsigned big_endian(const unsigned char *bytes)
{
    return (unsigned)bytes[0] << 24 | (unsigned)bytes[1] << 16 | (unsigned)bytes[2] << 8 | bytes[3];
}

static enum head png_head_read(const unsigned char *bytes, size_t size, int *ret_width,
                               int *ret_height)
{
    size_t known = size < sizeof png_begin ? size : sizeof png_begin;
    if (memcmp(bytes, png_begin, known) != 0) {
        return HEAD_WRONG;
    }
    if (size < HEAD_SIZE) {
        return HEAD_SHORT;
    }
    unsigned width = big_endian(bytes + 16);
    unsigned height = big_endian(bytes + 20);
    if (width < 1 || width > PICTURE_SIDE_MAX || height < 1 || height > PICTURE_SIDE_MAX) {
        return HEAD_WRONG;
    }
    *ret_width = (int)width;
    *ret_height = (int)height;
    return HEAD_PNG;
}

/* A number from 1 to `most`, without leading zeros, and the one blank behind it. */
static enum head read_head_number(const unsigned char *bytes, size_t size, size_t *at, int most,
                                  int *ret_number)
{
    int number = 0;
    for (; *at < size && bytes[*at] >= '0' && bytes[*at] <= '9'; ++*at) {
        number = number * 10 + (bytes[*at] - '0');
        if (number < 1 || number > most) {
            return HEAD_WRONG;
        }
    }
    if (*at == size) {
        return HEAD_SHORT;
    }
    bool is_blank = bytes[*at] == ' ' || bytes[*at] == '\n';
    if (number == 0 || !is_blank) {
        return HEAD_WRONG;
    }
    ++*at;
    *ret_number = number;
    return HEAD_PPM;
}

/* "P6\nWIDTH HEIGHT\n255\n", as QEMU writes it: no comments, no wider samples. */
static enum head ppm_head_read(const unsigned char *bytes, size_t size, int *ret_width,
                               int *ret_height, size_t *ret_length)
{
    static const unsigned char magic[3] = "P6\n";
    size_t at = size < sizeof magic ? size : sizeof magic;
    int numbers[3];
    static const int most[3] = {PICTURE_SIDE_MAX, PICTURE_SIDE_MAX, 255};
    if (memcmp(bytes, magic, at) != 0) {
        return HEAD_WRONG;
    }
    for (int i = 0; i < 3; i++) {
        enum head got = read_head_number(bytes, size, &at, most[i], &numbers[i]);
        if (got != HEAD_PPM) {
            return got;
        }
    }
    if (numbers[2] != 255) {
        return HEAD_WRONG;
    }
    *ret_width = numbers[0];
    *ret_height = numbers[1];
    *ret_length = at;
    return HEAD_PPM;
}

/* `ret_length` of what stands before a PPM's rows. */
static enum head head_read(const unsigned char *bytes, size_t size, int *ret_width, int *ret_height,
                           size_t *ret_length)
{
    enum head head = png_head_read(bytes, size, ret_width, ret_height);
    if (head == HEAD_WRONG) {
        head = ppm_head_read(bytes, size, ret_width, ret_height, ret_length);
    }
    return head;
}

/* Rows */

static _Noreturn void on_error(png_structp png, png_const_charp text)
{
    struct picture_maker *maker = png_get_error_ptr(png);
    (void)snprintf(maker->complaint, sizeof maker->complaint, "%.79s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text; /* would go to the terminal */
}

static void on_bytes(png_structp png, png_bytep bytes, size_t size)
{
    struct picture_maker *maker = png_get_io_ptr(png);
    if (size > PICTURE_MAX - maker->out.length) {
        maker->is_too_large = true;
        png_error(png, "too large");
    }
    buffer_add(&maker->out, bytes, size);
}

static void on_flush(png_structp png)
{
    (void)png;
}

/* libpng jumps here out of its calls: no local is changed between. */
static bool write_head(struct picture_maker *maker)
{
    if (setjmp(png_jmpbuf(maker->png)) != 0) {
        return false;
    }
    png_set_write_fn(maker->png, maker, on_bytes, on_flush);
    png_set_compression_level(maker->png, COMPRESSION);
    png_set_filter(maker->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_IHDR(maker->png, maker->info, (png_uint_32)maker->width, (png_uint_32)maker->height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(maker->png, maker->info);
    return true;
}

static bool picture_write_row(struct picture_maker *maker)
{
    if (setjmp(png_jmpbuf(maker->png)) != 0) {
        return false;
    }
    png_write_row(maker->png, maker->row);
    if (++maker->rows == maker->height) {
        png_write_end(maker->png, NULL);
        maker->making = MAKING_DONE;
    }
    return true;
}

static bool too_large(struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "its picture has more than %d MiB",
                      PICTURE_MAX / 1024 / 1024);
}

static bool png_fail(const struct picture_maker *maker, struct lodge_error *err)
{
    return maker->is_too_large
               ? too_large(err)
               : lodge_fail(err, LODGE_ERROR_INTERNAL,
                            "its picture could not be written as PNG: %s", maker->complaint);
}

static bool begin_rows(struct picture_maker *maker, struct lodge_error *err)
{
    maker->making = MAKING_ROWS;
    maker->row_size = (size_t)maker->width * BYTES_PER_PIXEL;
    maker->row = xmalloc(maker->row_size);
    maker->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, maker, on_error, on_warning);
    maker->info = maker->png == NULL ? NULL : png_create_info_struct(maker->png);
    if (maker->info == NULL || !write_head(maker)) {
        return png_fail(maker, err);
    }
    return true;
}

static bool add_rows(struct picture_maker *maker, const unsigned char *bytes, size_t size,
                     struct lodge_error *err)
{
    while (size > 0) {
        if (maker->making == MAKING_DONE) {
            return lodge_fail(err, LODGE_ERROR_HYPERVISOR,
                              "its picture has more bytes than its head says");
        }
        size_t part = maker->row_size - maker->row_length;
        part = size < part ? size : part;
        memcpy(maker->row + maker->row_length, bytes, part);
        maker->row_length += part;
        bytes += part;
        size -= part;
        if (maker->row_length == maker->row_size) {
            maker->row_length = 0;
            if (!picture_write_row(maker)) {
                return png_fail(maker, err);
            }
        }
    }
    return true;
}

/* Pictures */

struct picture_maker *picture_maker_new(void)
{
    return xcalloc(1, sizeof(struct picture_maker));
}

void picture_maker_free(struct picture_maker *maker)
{
    if (maker != NULL) {
        png_destroy_write_struct(&maker->png, &maker->info);
        buffer_free(&maker->out);
        free(maker->row);
        free(maker);
    }
}

static bool add_copy(struct picture_maker *maker, const void *bytes, size_t size,
                     struct lodge_error *err)
{
    if (size > PICTURE_MAX - maker->out.length) {
        return too_large(err);
    }
    buffer_add(&maker->out, bytes, size);
    return true;
}

/* What is known after the head, which may have taken bytes of the first rows. */
static bool picture_begin(struct picture_maker *maker, struct lodge_error *err)
{
    size_t length = 0;
    switch (head_read(maker->head, maker->head_length, &maker->width, &maker->height, &length)) {
    case HEAD_SHORT:
        return true;
    case HEAD_PNG:
        maker->making = MAKING_COPY;
        return add_copy(maker, maker->head, maker->head_length, err);
    case HEAD_PPM:
        return begin_rows(maker, err) &&
               add_rows(maker, maker->head + length, maker->head_length - length, err);
    case HEAD_WRONG:
        break;
    }
    return lodge_fail(err, LODGE_ERROR_HYPERVISOR,
                      "its picture is neither a PNG nor a PPM of at most %dx%d pixels",
                      PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
}

bool picture_maker_add(struct picture_maker *maker, const void *bytes, size_t size,
                       struct lodge_error *err)
{
    const unsigned char *byte = bytes;
    while (maker->making == MAKING_HEAD && size > 0) {
        size_t part = sizeof maker->head - maker->head_length;
        part = size < part ? size : part;
        memcpy(maker->head + maker->head_length, byte, part);
        maker->head_length += part;
        byte += part;
        size -= part;
        if (!picture_begin(maker, err)) {
            return false;
        }
    }
    return maker->making == MAKING_COPY ? add_copy(maker, byte, size, err)
                                        : add_rows(maker, byte, size, err);
}

static bool picture_is_whole(const struct picture_maker *maker)
{
    size_t length = maker->out.length;
    return maker->making == MAKING_DONE ||
           (maker->making == MAKING_COPY && length > HEAD_SIZE + sizeof png_last &&
            memcmp(maker->out.data + length - sizeof png_last, png_last, sizeof png_last) == 0);
}

bool picture_maker_end(struct picture_maker *maker, struct buffer *ret_png, struct lodge_error *err)
{
    if (maker->out.failed) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    }
    if (!picture_is_whole(maker)) {
        return lodge_fail(err, LODGE_ERROR_HYPERVISOR, "its picture ends in the middle");
    }
    *ret_png = maker->out;
    maker->out = (struct buffer){0};
    return true;
}
