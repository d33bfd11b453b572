#include "support/library_world.h"

#include <endian.h>

#define BLOCK ((off_t)2048)

enum { DESCRIPTOR_AT = 32768, BLOCKS_AT = 32768 + 80, BLOCK_BYTES_AT = 32768 + 128 };

/* Whose first descriptor says `blocks` of 2048 bytes, and as long as that. */
static void iso_make(const char *name, uint32_t blocks)
{
    uint32_t count = htole32(blocks);
    uint16_t size = htole16(2048);
    bytes_put(name, DESCRIPTOR_AT, "\1CD001\1", 7);
    bytes_put(name, BLOCKS_AT, &count, sizeof count);
    bytes_put(name, BLOCK_BYTES_AT, &size, sizeof size);
    size_set(name, blocks * BLOCK);
}

static void expect_usable_iso(const char *name)
{
    struct image image = {0};
    expect_good(find(name, IMAGE_ISO, &image, err));
    image_clear(&image);
}

static void expect_refused_iso(const char *name, const char *words)
{
    expect_no(name, IMAGE_ISO, LODGE_ERROR_UNSUPPORTED, words);
}

static void other_formats_under_the_name_of_an_iso_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *format, *words;
    } rows[] = {
        {"vmdk", "it is a VMDK image: convert it"}, {"qcow2", "it is a qcow2 image"},
        {"vhdx", "it is a VHDX image: convert it"}, {"vdi", "it is a VDI image: convert it"},
        {"vpc", "it is a VHD image: convert it"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        disk_make("library/x.iso", rows[i].format, "4M");
        expect_refused_iso("x.iso", rows[i].words);
        assert_int_equal(remove(in_folder("library/x.iso")), 0);
    }
    static const struct {
        size_t size;
        const char *bytes, *words;
    } marks[] = {
        {6, "LUKS\xba\xbe", "encrypted"},
        {3, "\x1f\x8b\x08", "gzip"},
        {10, "<!DOCTYPE ", "a web page: fetch it again"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++) {
        bytes_put("library/y.ISO", 0, marks[i].bytes, marks[i].size);
        size_set("library/y.ISO", 40960);
        expect_refused_iso("y.ISO", marks[i].words);
        assert_int_equal(remove(in_folder("library/y.ISO")), 0);
    }
}

static void an_iso_that_broke_off_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        off_t size;
        const char *words; /* NULL: it can be used */
    } rows[] = {
        {"a.iso", 0, "it is empty"},
        {"a.iso", 32768 + 6, "it ends before its data does"},
        {"a.iso", 32768 + 100, "it ends before its data does"},
        {"a.iso", 40960, "it ends before its data does"},
        {"a.iso", 400 * BLOCK - 1, "it ends before its data does"},
        {"a.iso", 400 * BLOCK, NULL},
        {"a.iso", 550 * BLOCK, NULL}, /* as some are padded */
        {"called-so.img", 40960, "it ends before its data does"},
        {"called-so.img", 400 * BLOCK, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO(free) char *name = xasprintf("library/%s", rows[i].name);
        iso_make(name, 400);
        size_set(name, rows[i].size);
        if (rows[i].words == NULL) {
            expect_usable_iso(rows[i].name);
        } else {
            expect_refused_iso(rows[i].name, rows[i].words);
        }
        assert_int_equal(remove(in_folder(name)), 0);
    }
}

static void the_size_of_an_iso_may_be_any_number(void **state)
{
    (void)state;
    iso_make("library/a.iso", 20);
    number_put("library/a.iso", BLOCKS_AT, UINT32_MAX, 4);
    number_put("library/a.iso", BLOCK_BYTES_AT, UINT16_MAX, 2);
    expect_refused_iso("a.iso", "it ends before its data does");
    number_put("library/a.iso", BLOCK_BYTES_AT, 0, 2);
    expect_usable_iso("a.iso");
}

static void an_iso_of_another_standard_can_be_used(void **state)
{
    (void)state;
    static const char *const marks[] = {"\0BEA01\1", "\0CD001\1", "\377CD001\1", "\1CDW01\1"};
    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++) {
        uint32_t many = UINT32_MAX;
        bytes_put("library/a.iso", DESCRIPTOR_AT, marks[i], 7);
        bytes_put("library/a.iso", BLOCKS_AT, &many, sizeof many);
        bytes_put("library/a.iso", BLOCK_BYTES_AT, "\0\10", 2);
        expect_usable_iso("a.iso");
    }
    bytes_put("library/short.iso", 0, "a few bytes", 11);
    expect_usable_iso("short.iso");
}

static void an_iso_with_two_names_may_be_anybodys(void **state)
{
    (void)state;
    iso_make("outside/secret", 400);
    assert_int_equal(link(in_folder("outside/secret"), in_folder("library/a.iso")), 0);

    expect_refused_iso("a.iso", "hard link");
}

static void told(void *data, const struct image *image)
{
    int *count = data;
    assert_string_equal(image->name, "good.iso");
    ++*count;
}

static void isos_that_cannot_be_used_are_not_on_offer(void **state)
{
    (void)state;
    int count = 0;
    iso_make("library/good.iso", 400);
    iso_make("library/half.iso", 400);
    size_set("library/half.iso", 200 * BLOCK);
    bytes_put("library/none.iso", 0, "", 0);
    disk_make("library/disk.iso", "qcow2", "4M");

    image_list(&dirs, told, &count);

    assert_int_equal(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_LIBRARY(other_formats_under_the_name_of_an_iso_are_refused),
        IN_LIBRARY(an_iso_that_broke_off_is_refused),
        IN_LIBRARY(the_size_of_an_iso_may_be_any_number),
        IN_LIBRARY(an_iso_of_another_standard_can_be_used),
        IN_LIBRARY(an_iso_with_two_names_may_be_anybodys),
        IN_LIBRARY(isos_that_cannot_be_used_are_not_on_offer),
    };
    if (!have_qemu_img()) {
        print_message("1..0 # SKIP needs qemu-img\n");
        return 0;
    }
    return cmocka_run_group_tests_name("iso", tests, NULL, NULL);
}
