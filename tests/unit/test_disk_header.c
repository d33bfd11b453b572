#include "support/folder_world.h"

#include "host/storage/disk_header.h"
#include "memory.h"

#include <stdint.h>

/* The names in a file, one a line, "+" before what may name others in turn. */
static char *names_in(const char *name)
{
    struct header_names names = {0};
    AUTO(fd_close) int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);
    char *text = xstrdup("");
    assert_true(disk_header_read(fd, &names));
    for (size_t i = 0; i < names.count; i++) {
        AUTO(free) char *before = text;
        text = xasprintf("%s%s%s\n", before, names.items[i].may_name_others ? "+" : "",
                         names.items[i].text);
    }
    header_names_clear(&names);
    return text;
}

#define expect_names(name, wanted)                \
    do {                                          \
        AUTO(free) char *names_ = names_in(name); \
        assert_string_equal(names_, wanted);      \
    } while (0)

static void qemu_img(const char *line)
{
    AUTO(free) char *command = xasprintf("cd %s && qemu-img %s", folder, line);
    const char *const words[] = {"sh", "-c", command, NULL};
    assert_int_equal(run_program(words), 0);
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(in_folder(name), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void what_an_image_is_based_on_is_read(void **state)
{
    (void)state;
    static const char *const formats[] = {"qcow2", "qcow", "qed"};
    if (!have_qemu_img()) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        AUTO(free)
        char *line = xasprintf("create -q -u -f %s -F qcow2 -b /pool/base over.%s 1M", formats[i],
                               formats[i]);
        qemu_img(line);
        AUTO(free) char *name = xasprintf("over.%s", formats[i]);
        expect_names(name, "+/pool/base\n");
    }
    qemu_img("create -q -f qcow2 -o compat=0.10 old 1M");
    expect_names("old", "");
    qemu_img("create -q -u -f qcow2 -o compat=0.10 -F raw -b base.raw old 1M");
    expect_names("old", "base.raw\n");
}

static void a_raw_base_names_nothing_in_turn(void **state)
{
    (void)state;
    if (!have_qemu_img()) {
        skip();
    }
    qemu_img("create -q -u -f qcow2 -F raw -b base.raw over 1M");
    expect_names("over", "base.raw\n");
}

static void a_data_file_is_read(void **state)
{
    (void)state;
    if (!have_qemu_img()) {
        skip();
    }
    qemu_img("create -q -f qcow2 -o data_file=data.raw over 1M");
    expect_names("over", "data.raw\n");
}

static void the_parts_of_a_VMDK_are_read(void **state)
{
    (void)state;
    if (!have_qemu_img()) {
        skip();
    }
    qemu_img("create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M");
    qemu_img("create -q -f vmdk base.vmdk 1M");
    qemu_img("create -q -f vmdk -F vmdk -b base.vmdk over.vmdk 1M");

    AUTO(free) char *flat = names_in("flat.vmdk");
    AUTO(free) char *over = names_in("over.vmdk");

    assert_non_null(strstr(flat, "+flat-flat.vmdk\n"));
    assert_non_null(strstr(over, "+base.vmdk\n"));
}

static void the_files_in_a_json_name_are_read(void **state)
{
    (void)state;
    if (!have_qemu_img()) {
        skip();
    }
    qemu_img(
        "create -q -u -f qcow2 -F qcow2 -b 'json:{\"file\":{\"filename\":\"/a\\/b\"}}' over 1M");

    AUTO(free) char *names = names_in("over");

    assert_non_null(strstr(names, "+/a/b\n"));
    assert_non_null(strstr(names, "+json:{"));
}

static void put(unsigned char *header, size_t at, size_t size, uint64_t number)
{
    for (size_t i = size; i-- > 0; number >>= 8) {
        header[at + i] = (unsigned char)number;
    }
}

/* Every pair of wild numbers in the places that are looked at. */
static void lies_are_bounded(void **state)
{
    (void)state;
    static const uint64_t wild[] = {0,         1,          7,         71,        103,
                                    104,       511,        4095,      65535,     65536,
                                    INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    static const size_t places[][2] = {{4, 4}, {8, 8}, {16, 4}, {100, 4}, {104, 4}, {108, 4}};
    unsigned char header[4096];
    AUTO(fd_close) int fd = open(in_folder("wild"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (size_t a = 0; a < ARRAY_LENGTH(places); a++) {
        for (size_t b = 0; b < a; b++) {
            for (size_t i = 0; i < ARRAY_LENGTH(wild) * ARRAY_LENGTH(wild); i++) {
                struct header_names names = {0};
                memset(header, 'x', sizeof header);
                memcpy(header, "QFI\xfb\0\0\0\3", 8);
                put(header, places[a][0], places[a][1], wild[i % ARRAY_LENGTH(wild)]);
                put(header, places[b][0], places[b][1], wild[i / ARRAY_LENGTH(wild)]);
                assert_int_equal(pwrite(fd, header, sizeof header, 0), sizeof header);
                assert_true(disk_header_read(fd, &names));
                assert_true(names.count <= 64);
                header_names_clear(&names);
            }
        }
    }
}

static void what_is_no_image_names_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "QFI", "QFI\xfb", "QED", "KDMV", "\"/etc/passwd\"", "# Disk DescriptorFil"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        write_bytes("none", texts[i], strlen(texts[i]));
        expect_names("none", "");
    }
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct header_names names = {0};
    AUTO(fd_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_false(disk_header_read(fd, &names));
    assert_int_equal(names.count, 0);
}

#define IN_FOLDER(function) cmocka_unit_test_setup_teardown(function, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_an_image_is_based_on_is_read),
        IN_FOLDER(a_raw_base_names_nothing_in_turn),
        IN_FOLDER(a_data_file_is_read),
        IN_FOLDER(the_parts_of_a_VMDK_are_read),
        IN_FOLDER(the_files_in_a_json_name_are_read),
        IN_FOLDER(lies_are_bounded),
        IN_FOLDER(what_is_no_image_names_nothing),
        IN_FOLDER(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests_name("disk_header", tests, NULL, NULL);
}
