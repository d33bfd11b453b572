#include "support/library_world.h"

#include <endian.h>
#include <time.h>

enum { SIZE_AT = 24, L1_AT = 40, COUNTS_AT = 48, FEATURES_AT = 72 };

/* --- files that are none ---------------------------------------------------------------------- */

static void other_formats_are_known_under_any_name(void **state)
{
    (void)state;
    static const struct {
        const char *format, *option, *words;
    } rows[] = {
        {"vmdk", "subformat=monolithicSparse", "a VMDK image"},
        {"vmdk", "subformat=streamOptimized", "a VMDK image"},
        {"vmdk", "subformat=monolithicFlat", "a VMDK image"},
        {"vhdx", "subformat=dynamic", "a VHDX image"},
        {"vpc", "subformat=dynamic", "a VHD image"},
        {"vpc", "subformat=fixed", "a VHD image"},
        {"vdi", "static=off", "a VDI image"},
        {"qed", "table_size=4", "a QED image"},
        {"parallels", "cluster_size=1M", "a Parallels image"},
        {"qcow", "encryption=off", "QCOW image of a version"},
    };
    static const char *const names[] = {"library/x.img", "library/x.raw", "library/x.qcow2"};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(names); j++) {
            const char *const words[] = {
                "qemu-img",          "create", "-q", "-f", rows[i].format, "-o", rows[i].option,
                in_folder(names[j]), "4M",     NULL};
            qemu_img(words);
            expect_refused(strchr(names[j], 'x'), rows[i].words);
            overlay_make_of("library/top.qcow2", strchr(names[j], 'x'), "raw");
            expect_refused("top.qcow2", rows[i].words);
            assert_int_equal(remove(in_folder(names[j])), 0);
        }
    }
}

static void packed_and_broken_files_are_known_by_their_first_bytes(void **state)
{
    (void)state;
    static const struct {
        long at;
        size_t size;
        const char *bytes, *words;
    } rows[] = {
        {0, 6, "LUKS\xba\xbe", "encrypted"},
        {0, 3, "\x1f\x8b\x08", "gzip"},
        {0, 6, "\xfd\x37zXZ", "xz"},
        {0, 4, "\x28\xb5\x2f\xfd", "zstd"},
        {0, 3, "BZh", "bzip2"},
        {0, 4, "PK\3\4", "zip"},
        {257, 5, "ustar", "OVA"},
        {0, 9, "<!DOCTYPE ", "web page"},
        {0, 8, "\xbe\xba\xfe\xca\0\0\0", "VMDK"},
        {0, 23, "# VMware\n \n# x\nversion=3", "VMDK"},
        {4096 - 511, 8, "conectix", "VHD"},
        {4096 - 512, 4, "koly", "DMG"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        bytes_put("library/x.img", rows[i].at, rows[i].bytes, rows[i].size + (rows[i].size == 9));
        size_set("library/x.img", 4096);
        expect_refused("x.img", rows[i].words);
        assert_int_equal(remove(in_folder("library/x.img")), 0);
    }
    bytes_put("library/x.img", 0, "a text", 6);
    expect_refused("x.img", "multiple of 512");
    size_set("library/x.img", 0);
    expect_refused("x.img", "empty");
}

static void what_is_called_otherwise_is_said_to_be_there(void **state)
{
    (void)state;
    const char *const words[] = {
        "qemu-img", "create", "-q", "-f", "vmdk", in_folder("library/x.vmdk"), "4M", NULL};
    qemu_img(words);
    bytes_put("library/x.qcow2.gz", 0, "\x1f\x8b\x08", 3);
    file_write(in_folder("library/README"), "read me");
    assert_int_equal(chmod(in_folder("library/README"), 0), 0);

    expect_refused("x.vmdk", "a VMDK image: convert it");
    expect_refused("x.qcow2.gz", "gzip): unpack it");
    expect_refused("README", "README");
    expect_no("nothing", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, "has no disk 'nothing'");
    expect_no("x.vmdk", IMAGE_ISO, LODGE_ERROR_UNSUPPORTED, "no iso");
}

static void an_encrypted_image_is_refused(void **state)
{
    (void)state;
    static const uint64_t methods[] = {1, 2};
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        disk_make("library/a.qcow2", "qcow2", "1G");
        number_put("library/a.qcow2", 32, methods[i], 4);
        expect_refused("a.qcow2", "encrypted");
    }
}

/* --- qcow2 images that are not all there ------------------------------------------------------ */

/* A disk of 24 MiB with something in each of its parts. */
static void full_disk_make(const char *name, const char *options)
{
    AUTO(free)
    char *command = xasprintf("head -c 24M /dev/zero | tr '\\0' A >'%s' && "
                              "qemu-img convert %s -f raw -O qcow2 '%s' '%s'",
                              in_folder("full"), options, in_folder("full"), in_folder(name));
    const char *const words[] = {"sh", "-c", command, NULL};
    assert_int_equal(run_program(words), 0);
}

static off_t file_size(const char *name)
{
    struct stat info;
    assert_int_equal(stat(in_folder(name), &info), 0);
    return info.st_size;
}

static void an_image_that_broke_off_is_refused(void **state)
{
    (void)state;
    static const char *const options[] = {"",
                                          "-c",
                                          "-o compat=0.10",
                                          "-o cluster_size=512",
                                          "-o cluster_size=2M",
                                          "-o extended_l2=on",
                                          "-o preallocation=full"};
    for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
        full_disk_make("library/a.qcow2", options[i]);
        off_t whole = file_size("library/a.qcow2");
        expect_usable("a.qcow2");
        const off_t cuts[] = {whole - (4 << 20), whole / 2, 70000, 300, 104, 72, 71, 8, 4};
        for (size_t j = strcmp(options[i], "-c") == 0 ? 1 : 0; j < ARRAY_LENGTH(cuts); j++) {
            size_set("library/a.qcow2", cuts[j]);
            expect_refused("a.qcow2", "");
        }
        assert_int_equal(remove(in_folder("library/a.qcow2")), 0);
    }
}

/* By as little as there is: within the last table, the last cluster, the last packed sector. */
static void an_image_that_broke_off_within_its_last_cluster_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        off_t cuts[3];
    } rows[] = {
        {"head -c 4M /dev/urandom >\"$1.in\" && "
         "qemu-img convert -f raw -O qcow2 \"$1.in\" \"$1\"",
         {1, 512, 65535}},
        {"head -c 4M /dev/urandom >\"$1.in\" && "
         "qemu-img convert -f raw -O qcow2 -o cluster_size=2M \"$1.in\" \"$1\"",
         {1, 1 << 20, (2 << 20) - 1}},
        {"head -c 4M /dev/urandom >\"$1.in\" && "
         "qemu-img convert -f raw -O qcow2 -o extended_l2=on \"$1.in\" \"$1\"",
         {1, 512, 65535}},
        {"head -c 3M /dev/urandom | base64 | head -c 4M >\"$1.in\" && "
         "qemu-img convert -c -f raw -O qcow2 \"$1.in\" \"$1\"",
         {512, 8192, 32768}},
        {"qemu-img create -q -f qcow2 \"$1\" 64G", {8, 512, 1000}},
        {"qemu-img create -q -f qcow2 \"$1\" 1G && "
         "qemu-io -f qcow2 -c 'write -z 0 64k' \"$1\" >/dev/null",
         {1, 8, 65535}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(rows[i].cuts); j++) {
            const char *const words[] = {
                "sh", "-c", rows[i].command, "sh", in_folder("library/a.qcow2"), NULL};
            assert_int_equal(run_program(words), 0);
            expect_usable("a.qcow2");
            size_set("library/a.qcow2", file_size("library/a.qcow2") - rows[i].cuts[j]);
            expect_refused("a.qcow2", "it ends before its data does");
            assert_int_equal(remove(in_folder("library/a.qcow2")), 0);
        }
    }
}

static void a_cluster_with_the_disks_end_may_end_there(void **state)
{
    (void)state;
    static const char line[] = "head -c 1049088 /dev/urandom >\"$1.in\" && " /* 1 MiB and 512 */
                               "qemu-img convert -f raw -O qcow2 \"$1.in\" \"$1\"";
    const char *const words[] = {"sh", "-c", line, "sh", in_folder("library/a.qcow2"), NULL};
    assert_int_equal(run_program(words), 0);
    off_t last = (file_size("library/a.qcow2") - 1) & ~(off_t)65535;

    size_set("library/a.qcow2", last + 512);
    expect_usable("a.qcow2");
    size_set("library/a.qcow2", last + 511);
    expect_refused("a.qcow2", "it ends before its data does");
}

static void images_of_all_makings_are_whole(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "qemu-img create -q -f qcow2 \"$1\" 1G",
        "qemu-img create -q -f qcow2 \"$1\" 1000000",
        "qemu-img create -q -f qcow2 -o preallocation=metadata \"$1\" 1G",
        "qemu-img create -q -f qcow2 -o preallocation=falloc \"$1\" 10M",
        "qemu-img create -q -f qcow2 -o cluster_size=512,refcount_bits=64 \"$1\" 100M",
        "qemu-img create -q -f qcow2 -o cluster_size=2M,refcount_bits=1 \"$1\" 8T",
        "qemu-img create -q -f qcow2 -o lazy_refcounts=on,compat=1.1 \"$1\" 1G",
        "qemu-img create -q -f qcow2 -o compression_type=zstd \"$1\" 1G",
        "qemu-img create -q -f qcow2 \"$1\" 64T",
        "qemu-img create -q -f qcow2 \"$1\" 1G && qemu-img snapshot -c one \"$1\"",
        "qemu-img create -q -f qcow2 \"$1\" 1G && qemu-img resize -q \"$1\" 3G",
        "qemu-img create -q -f qcow2 \"$1\" 1G && qemu-img bitmap --add \"$1\" b",
        "head -c 1001 /dev/urandom >\"$1.in\" && "
        "qemu-img convert -f raw -O qcow2 \"$1.in\" \"$1\"",
        "head -c 300001 /dev/urandom >\"$1.in\" && "
        "qemu-img convert -c -f raw -O qcow2 \"$1.in\" \"$1\"",
        "qemu-img create -q -f qcow2 \"$1\" 1G && "
        "qemu-io -f qcow2 -c 'write 1M 4k' -c 'write -z 8M 1M' -c 'discard 1M 64k' "
        "-c 'write 700M 512' \"$1\" >/dev/null",
        "qemu-img create -q -f qcow2 -o extended_l2=on \"$1\" 1G && "
        "qemu-io -f qcow2 -c 'write 8M 4k' -c 'write 700M 512' \"$1\" >/dev/null",
        "qemu-img create -q -f qcow2 -o extended_l2=on,cluster_size=2M \"$1\" 1G && "
        "qemu-io -f qcow2 -c 'write -c 8M 2M' -c 'write -z 16M 64k' -c 'write 700M 512' \"$1\" "
        ">/dev/null",
        "qemu-img create -q -f qcow2 -o extended_l2=on \"$1\" 1000448 && "
        "qemu-io -f qcow2 -c 'write 999936 512' \"$1\" >/dev/null",
        "qemu-img create -q -f qcow2 \"$1\" 1000448 && "
        "qemu-io -f qcow2 -c 'write 999936 512' \"$1\" >/dev/null",
        "qemu-img create -q -f qcow2 -o cluster_size=2M \"$1\" 10000384 && "
        "qemu-io -f qcow2 -c 'write 9M 4k' \"$1\" >/dev/null",
        "qemu-img create -q -f qcow2 -o preallocation=full \"$1\" 1000448",
        "qemu-img create -q -f qcow2 -o preallocation=metadata,extended_l2=on \"$1\" 1000448",
        "qemu-img create -q -f qcow2 \"$1\" 1G && qemu-io -f qcow2 -c 'write -z 0 64k' \"$1\" "
        ">/dev/null",
        "qemu-img create -q -f qcow2 \"$1\" 1G && "
        "qemu-io -f qcow2 -c 'write 1023M 1M' \"$1\" >/dev/null && "
        "qemu-img resize -q --shrink \"$1\" 1000000000",
        "qemu-img create -q -f qcow2 -o cluster_size=512 \"$1\" 100M && "
        "qemu-io -f qcow2 -c 'write 0 30M' \"$1\" >/dev/null",
        "qemu-img create -q -f qcow2 \"$1\" 1G && "
        "qemu-io -f qcow2 -c 'write -c 0 64k' -c 'write -c 64k 64k' \"$1\" >/dev/null",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        const char *const words[] = {"sh", "-c", commands[i], "sh", in_folder("library/a.qcow2"),
                                     NULL};
        assert_int_equal(run_program(words), 0);
        expect_usable("a.qcow2");
        assert_int_equal(remove(in_folder("library/a.qcow2")), 0);
    }
}

static void tables_that_lead_past_the_end_are_refused(void **state)
{
    (void)state;
    full_disk_make("library/a.qcow2", "");
    uint64_t l1 = 0;
    uint64_t l2 = 0;
    AUTO(fd_close) int fd = open(in_folder("library/a.qcow2"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, &l1, sizeof l1, L1_AT), sizeof l1);
    l1 = be64toh(l1);
    assert_int_equal(pread(fd, &l2, sizeof l2, (off_t)l1), sizeof l2);
    l2 = be64toh(l2) & UINT64_C(0x00fffffffffffe00);
    uint64_t within = (uint64_t)file_size("library/a.qcow2") - 512; /* a cluster's end is not */
    const struct {
        long at;
        uint64_t number;
    } rows[] = {
        {L1_AT, UINT64_C(1) << 40},
        {L1_AT, UINT64_MAX},
        {L1_AT, INT64_MAX - 511},
        {COUNTS_AT, within},
        {(long)l1, UINT64_C(1) << 63 | within},
        {(long)l2 + 8, UINT64_C(1) << 63 | within},
        {(long)l1, UINT64_C(1) << 40},
        {(long)l1, UINT64_C(0x00fffffffffffe00)},
        {(long)l2 + 8, UINT64_C(1) << 50},
        {(long)l2 + 16, UINT64_C(1) << 62 | UINT64_C(1) << 40},
        {SIZE_AT, UINT64_MAX},
        {SIZE_AT, UINT64_C(1) << 62},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        uint64_t was = 0;
        assert_int_equal(pread(fd, &was, sizeof was, rows[i].at), sizeof was);
        number_put("library/a.qcow2", rows[i].at, rows[i].number, 8);
        expect_refused("a.qcow2", "");
        bytes_put("library/a.qcow2", rows[i].at, &was, sizeof was);
        expect_usable("a.qcow2");
    }
}

static void features_that_nobody_knows_are_refused(void **state)
{
    (void)state;
    disk_make("library/a.qcow2", "qcow2", "1G");
    static const uint64_t features[] = {2, 4, 32, UINT64_C(1) << 63, 6};
    for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
        number_put("library/a.qcow2", FEATURES_AT, features[i], 8);
        expect_refused("a.qcow2", "");
    }
    number_put("library/a.qcow2", FEATURES_AT, 1, 8);
    expect_usable("a.qcow2");
    number_put("library/a.qcow2", 4, 4, 4);
    expect_refused("a.qcow2", "version");
}

/* Each first entry leads to the same table: 8 GiB to read in a file of 1 MiB. */
static void tables_that_never_end_are_not_read_to_their_end(void **state)
{
    (void)state;
    struct timespec begin;
    struct timespec end;
    disk_make("library/a.qcow2", "qcow2", "64T");
    size_set("library/a.qcow2", 4 << 20);
    uint64_t l1 = 0;
    AUTO(fd_close) int fd = open(in_folder("library/a.qcow2"), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &l1, sizeof l1, L1_AT), sizeof l1);
    uint64_t entries[1024];
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        entries[i] = htobe64(UINT64_C(1) << 63 | (3 << 20));
    }
    for (long i = 0; i < 128; i++) {
        long at = (long)be64toh(l1) + i * (long)sizeof entries;
        assert_int_equal(pwrite(fd, entries, sizeof entries, at), sizeof entries);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);

    expect_refused("a.qcow2", "more than lodge reads");

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(end.tv_sec - begin.tv_sec < 30);
}

/* Whatever stands in a header: an answer, and no harm. */
static void headers_of_any_bytes_are_answered(void **state)
{
    (void)state;
    full_disk_make("library/a.qcow2", "-o extended_l2=on");
    unsigned seed = 1;
    AUTO(fd_close) int fd = open(in_folder("library/a.qcow2"), O_RDWR | O_CLOEXEC);
    unsigned char good[512];
    assert_int_equal(pread(fd, good, sizeof good, 0), sizeof good);
    for (int i = 0; i < 3000; i++) {
        unsigned char bytes[sizeof good];
        struct image image = {0};
        struct lodge_error err = {0};
        memcpy(bytes, good, sizeof bytes);
        for (int j = rand_r(&seed) % 4; j >= 0; j--) {
            bytes[4 + rand_r(&seed) % 140] = (unsigned char)rand_r(&seed);
        }
        assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
        if (!find("a.qcow2", IMAGE_DISK, &image, &err)) {
            assert_int_equal(err.kind, LODGE_ERROR_UNSUPPORTED);
        }
        image_clear(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_LIBRARY(other_formats_are_known_under_any_name),
        IN_LIBRARY(packed_and_broken_files_are_known_by_their_first_bytes),
        IN_LIBRARY(what_is_called_otherwise_is_said_to_be_there),
        IN_LIBRARY(an_encrypted_image_is_refused),
        IN_LIBRARY(an_image_that_broke_off_is_refused),
        IN_LIBRARY(an_image_that_broke_off_within_its_last_cluster_is_refused),
        IN_LIBRARY(a_cluster_with_the_disks_end_may_end_there),
        IN_LIBRARY(images_of_all_makings_are_whole),
        IN_LIBRARY(tables_that_lead_past_the_end_are_refused),
        IN_LIBRARY(features_that_nobody_knows_are_refused),
        IN_LIBRARY(tables_that_never_end_are_not_read_to_their_end),
        IN_LIBRARY(headers_of_any_bytes_are_answered),
    };
    if (!have_qemu_img()) {
        print_message("1..0 # SKIP needs qemu-img\n");
        return 0;
    }
    return cmocka_run_group_tests_name("qcow2", tests, NULL, NULL);
}
