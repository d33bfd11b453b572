/* library_world: a library of images in a folder of a test's own, with bytes of theirs changed. */
#ifndef TESTS_SUPPORT_LIBRARY_WORLD_H
#define TESTS_SUPPORT_LIBRARY_WORLD_H

#include "host/storage/images.h"
#include "lodge/strings.h"
#include "memory.h"
#include "support/folder_world.h"

static struct lodge_strings dirs;

static int with_a_library(void **state)
{
    if (folder_make(state) != 0 || mkdir(in_folder("library"), 0700) != 0 ||
        mkdir(in_folder("outside"), 0700) != 0) {
        return -1;
    }
    return lodge_strings_add(&dirs, in_folder("library")) ? 0 : -1;
}

static int without_it(void **state)
{
    lodge_strings_clear(&dirs);
    return folder_remove(state);
}

static inline void qemu_img(const char *const *words)
{
    assert_int_equal(run_program(words), 0);
}

static inline void disk_make(const char *name, const char *format, const char *size)
{
    const char *const words[] = {"qemu-img", "create",        "-q", "-f",
                                 format,     in_folder(name), size, NULL};
    qemu_img(words);
}

/* `base`, and its format, as they are to stand in the image. */
static inline void overlay_make_of(const char *name, const char *base, const char *format)
{
    const char *const words[] = {"qemu-img",      "create", "-q", "-u", "-f",
                                 "qcow2",         "-b",     base, "-F", format,
                                 in_folder(name), "1G",     NULL};
    qemu_img(words);
}

static inline void bytes_put(const char *name, long at, const void *bytes, size_t size)
{
    AUTO(fd_close) int fd = open(in_folder(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), size);
}

/* A number of `size` bytes, big-endian. */
static inline void number_put(const char *name, long at, uint64_t number, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(number >> (8 * (size - 1 - i)));
    }
    bytes_put(name, at, bytes, size);
}

static inline void size_set(const char *name, off_t size)
{
    assert_int_equal(truncate(in_folder(name), size), 0);
}

static inline bool find(const char *name, enum image_kind kind, struct image *ret_image,
                        struct lodge_error *err)
{
    return image_find(&dirs, name, kind, "image", ret_image, err);
}

static inline void expect_no(const char *name, enum image_kind kind, enum lodge_error_kind wanted,
                             const char *words)
{
    struct lodge_error err = {0};
    struct image image = {0};
    if (find(name, kind, &image, &err)) {
        fail_msg("%s was found", name);
    }
    if (err.kind != wanted || strstr(err.message, words) == NULL) {
        fail_msg("%s: %s (%s)", name, err.message, lodge_error_kind_name(err.kind));
    }
}

static inline void expect_refused(const char *name, const char *words)
{
    expect_no(name, IMAGE_DISK, LODGE_ERROR_UNSUPPORTED, words);
}

static inline void expect_usable(const char *name)
{
    struct image image = {0};
    expect_good(find(name, IMAGE_DISK, &image, err));
    image_clear(&image);
}

#define IN_LIBRARY(function) cmocka_unit_test_setup_teardown(function, with_a_library, without_it)

#endif
