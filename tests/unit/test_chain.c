#include "host/storage/chain.h"
#include "host/storage/qemu_img.h"
#include "support/library_world.h"

#include <endian.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SECRET "SECRET, for root alone"

static void secret_make(void)
{
    bytes_put("outside/secret", 0, SECRET, sizeof SECRET);
    size_set("outside/secret", 1 << 20);
}

/* At its beginning, where copies have what they are of. */
static bool has_secret(const char *name)
{
    static const char line[] =
        "qemu-img convert -f qcow2 -O raw \"$1\" \"$2\" && head -c 1M \"$2\" | grep -qa \"$3\"";
    const char *const words[] = {"sh",   "-c", line, "sh", in_folder(name), in_folder("as-raw"),
                                 SECRET, NULL};
    return run_program(words) == 0;
}

/* Copies as a creation does: what was found by its name is opened by its path and filled from. */
static bool copy(const char *name, const char *to, struct lodge_error *err)
{
    struct image image = {0};
    struct chain chain = {0};
    if (!find(name, IMAGE_DISK, &image, err)) {
        return false;
    }
    AUTO(fd_close) int fd = open(in_folder(to), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = image_open(&dirs, image.path, &chain, err) &&
                qemu_img_create(fd, "qcow2", image.size_gib, err) &&
                qemu_img_fill(fd, "qcow2", &chain, NULL, err);
    chain_close(&chain);
    image_clear(&image);
    return good;
}

/* --- what an image says of the one below it --------------------------------------------------- */

static void a_descriptor_below_an_image_names_no_file_of_the_host(void **state)
{
    (void)state;
    secret_make();
    AUTO(free)
    char *descriptor = xasprintf("# Disk DescriptorFile\nversion=1\nCID=fffffffe\n"
                                 "parentCID=ffffffff\ncreateType=\"monolithicFlat\"\n"
                                 "RW 2048 FLAT \"%s\" 0\n",
                                 in_folder("outside/secret"));
    bytes_put("library/base.raw", 0, descriptor, strlen(descriptor));
    size_set("library/base.raw", 4096);

    overlay_make_of("library/top.qcow2", "base.raw", "vmdk");
    expect_refused("top.qcow2", "format 'vmdk'");
    overlay_make_of("library/top.qcow2", "base.raw", "raw");
    expect_refused("top.qcow2", "VMDK");
    overlay_make_of("library/top.qcow2", "base.raw", "qcow2");
    expect_refused("top.qcow2", "VMDK");
    expect_refused("base.raw", "VMDK");
}

static void a_format_that_is_not_said_is_not_guessed(void **state)
{
    (void)state;
    disk_make("library/base.raw", "raw", "1M");
    overlay_make_of("library/top.qcow2", "base.raw", "raw");
    expect_usable("top.qcow2");

    number_put("library/top.qcow2", 112, 0x12345678, 4); /* of the first extension, its type */

    expect_refused("top.qcow2", "does not say the format");
}

static void a_format_that_is_not_so_is_refused_both_ways(void **state)
{
    (void)state;
    disk_make("library/base.raw", "raw", "1M");
    disk_make("library/base.qcow2", "qcow2", "1M");
    overlay_make_of("library/one.qcow2", "base.raw", "qcow2");
    overlay_make_of("library/other.qcow2", "base.qcow2", "raw");
    overlay_make_of("library/third.qcow2", "other.qcow2", "qcow2");

    expect_refused("one.qcow2", "base.raw is raw, and the image above it says qcow2");
    expect_refused("other.qcow2", "base.qcow2 is qcow2, and the image above it says raw");
    expect_refused("third.qcow2", "base.qcow2 is qcow2, and the image above it says raw");
}

static void names_that_are_no_paths_in_the_library_are_refused(void **state)
{
    (void)state;
    disk_make("library/base.qcow2", "qcow2", "1G");
    disk_make("outside/base.qcow2", "qcow2", "1G");
    assert_int_equal(symlink("../outside", in_folder("library/out")), 0);
    assert_int_equal(symlink(".", in_folder("library/here")), 0);
    const char *const bad[] = {
        "out/base.qcow2",       "../outside/base.qcow2", "../../../../../../../../etc/passwd",
        "nbd:unix:/tmp/x",      "nbd://[::1]/x",         "file:base.qcow2",
        "host_device:/dev/vda", "fat:rw:/etc",           "json:{\"driver\":\"null-co\"}",
        "base.qcow2/",          "/proc/self/fd/0",       "/proc/self/root/etc/passwd",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        overlay_make_of("library/top.qcow2", bad[i], "qcow2");
        expect_refused("top.qcow2", "which is not in the library");
    }
    static const char *const good[] = {"./base.qcow2", "here/here/base.qcow2",
                                       "../library/base.qcow2"};
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        overlay_make_of("library/top.qcow2", good[i], "qcow2");
        expect_usable("top.qcow2");
    }
}

static void chains_have_an_end(void **state)
{
    (void)state;
    disk_make("library/0.qcow2", "qcow2", "1G");
    for (int i = 1; i <= 20; i++) {
        AUTO(free) char *name = xasprintf("library/%d.qcow2", i);
        AUTO(free) char *base = xasprintf("%d.qcow2", i - 1);
        overlay_make_of(name, base, "qcow2");
    }
    overlay_make_of("library/one.qcow2", "other.qcow2", "qcow2");
    overlay_make_of("library/other.qcow2", "one.qcow2", "qcow2");

    expect_usable("8.qcow2");
    expect_refused("9.qcow2", "more than 8 images");
    expect_refused("one.qcow2", "on itself");
    expect_refused("20.qcow2", "more than 8 images");
}

/* --- what is read is what was checked --------------------------------------------------------- */

static void a_name_that_changes_hands_is_not_looked_up_again(void **state)
{
    (void)state;
    struct image image = {0};
    struct chain chain = {0};
    secret_make();
    disk_make("library/base.raw", "raw", "1M");
    bytes_put("library/base.raw", 0, "honest", 6);
    overlay_make_of("library/top.qcow2", "base.raw", "raw");
    expect_good(find("top.qcow2", IMAGE_DISK, &image, err));
    AUTO(fd_close) int fd = open(in_folder("copy"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    expect_good(qemu_img_create(fd, "qcow2", 1, err));

    expect_good(image_open(&dirs, image.path, &chain, err));
    assert_int_equal(remove(in_folder("library/base.raw")), 0);
    assert_int_equal(symlink(in_folder("outside/secret"), in_folder("library/base.raw")), 0);
    expect_good(qemu_img_fill(fd, "qcow2", &chain, NULL, err));

    assert_false(has_secret("copy"));
    chain_close(&chain);
    expect_kind(image_open(&dirs, image.path, &chain, err), LODGE_ERROR_UNSUPPORTED);
    image_clear(&image);
}

static void an_image_that_was_replaced_is_checked_anew_when_it_is_used(void **state)
{
    (void)state;
    struct image image = {0};
    struct chain chain = {0};
    secret_make();
    disk_make("library/top.qcow2", "qcow2", "1G");
    expect_good(find("top.qcow2", IMAGE_DISK, &image, err));

    overlay_make_of("library/top.qcow2", in_folder("outside/secret"), "raw");
    expect_kind(image_open(&dirs, image.path, &chain, err), LODGE_ERROR_UNSUPPORTED);
    assert_int_equal(remove(in_folder("library/top.qcow2")), 0);
    expect_kind(image_open(&dirs, image.path, &chain, err), LODGE_ERROR_NOT_FOUND);
    assert_int_equal(symlink(in_folder("outside/secret"), in_folder("library/top.qcow2")), 0);
    expect_kind(image_open(&dirs, image.path, &chain, err), LODGE_ERROR_NOT_FOUND);
    expect_kind(image_open(&dirs, in_folder("outside/secret"), &chain, err), LODGE_ERROR_NOT_FOUND);
    image_clear(&image);
}

/* Its writer needs no new name: the bytes that were checked are others when QEMU reads them. */
static void a_header_that_changes_after_the_check_reads_nobodys_file(void **state)
{
    (void)state;
    secret_make();
    struct chain chain = {0};
    disk_make("library/top.qcow2", "qcow2", "1G");
    AUTO(fd_close) int fd = open(in_folder("copy"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    expect_good(qemu_img_create(fd, "qcow2", 1, err));
    expect_good(image_open(&dirs, in_folder("library/top.qcow2"), &chain, err));

    AUTO(free) char *data = xasprintf("data_file=%s,data_file_raw=on", in_folder("outside/data"));
    const char *const words[] = {"qemu-img", "create", "-q", "-f",
                                 "qcow2",    "-o",     data, in_folder("outside/evil.qcow2"),
                                 "1M",       NULL};
    qemu_img(words);
    assert_int_equal(rename(in_folder("outside/secret"), in_folder("outside/data")), 0);
    const char *const over[] = {"cp", in_folder("outside/evil.qcow2"),
                                in_folder("library/top.qcow2"), NULL};
    assert_int_equal(run_program(over), 0);
    struct lodge_error err = {0};

    assert_false(qemu_img_fill(fd, "qcow2", &chain, NULL, &err));

    chain_close(&chain);
}

static void an_image_that_grows_meanwhile_is_not_taken_for_whole(void **state)
{
    (void)state;
    struct chain chain = {0};
    disk_make("library/a.raw", "raw", "1M");
    AUTO(fd_close) int fd = open(in_folder("copy"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    expect_good(qemu_img_create(fd, "qcow2", 1, err));
    expect_good(image_open(&dirs, in_folder("library/a.raw"), &chain, err));

    size_set("library/a.raw", 2 << 20);

    expect_kind(qemu_img_fill(fd, "qcow2", &chain, NULL, err), LODGE_ERROR_CONFLICT);
    chain_close(&chain);
}

static void what_is_there_and_no_file_is_not_even_opened(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO(fd_close) int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("library/s.raw"));
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(mkfifo(in_folder("library/p.raw"), 0600), 0);
    overlay_make_of("library/on-a-pipe.qcow2", "p.raw", "raw");

    expect_refused("s.raw", "no plain file");
    expect_refused("p.raw", "no plain file");
    expect_refused("on-a-pipe.qcow2", "no plain file");
}

static void a_file_with_two_names_may_be_anybodys(void **state)
{
    (void)state;
    secret_make();
    assert_int_equal(link(in_folder("outside/secret"), in_folder("library/a.raw")), 0);
    overlay_make_of("library/top.qcow2", "a.raw", "raw");

    expect_refused("a.raw", "hard link");
    expect_refused("top.qcow2", "hard link");
}

/* Two entries of the first table lead to one table, whose entries all lead to one cluster. */
static void shared_clusters_make(const char *name)
{
    uint64_t l1 = 0;
    uint64_t entries[1024];
    enum { L1_AT = 40, TABLE_AT = 1 << 20, TABLE_BYTES = 1 << 16, CLUSTER_AT = 2 << 20 };
    disk_make(name, "qcow2", "64G");
    size_set(name, 3 << 20);
    AUTO(fd_close) int fd = open(in_folder(name), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &l1, sizeof l1, L1_AT), sizeof l1);
    for (long i = 0; i < 128; i++) {
        number_put(name, (long)be64toh(l1) + i * 8, UINT64_C(1) << 63 | TABLE_AT, 8);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        entries[i] = htobe64(UINT64_C(1) << 63 | CLUSTER_AT);
    }
    for (long done = 0; done < TABLE_BYTES; done += (long)sizeof entries) {
        assert_int_equal(pwrite(fd, entries, sizeof entries, TABLE_AT + done), sizeof entries);
    }
}

static void the_time_for_a_copy_is_not_the_images_own_word(void **state)
{
    (void)state;
    static const char *const names[] = {"shared.qcow2", "hole.raw"};
    enum { MOST_S = 610 }; /* those that any copy has, and some for a few blocks on the disk */
    shared_clusters_make("library/shared.qcow2");
    disk_make("library/hole.raw", "raw", "64G");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct image image = {0};
        struct chain chain = {0};
        expect_good(find(names[i], IMAGE_DISK, &image, err));

        expect_good(image_open(&dirs, image.path, &chain, err));

        assert_int_equal(chain.bytes, INT64_C(64) << 30);
        assert_in_range(qemu_img_patience(&chain), 600, MOST_S);
        chain_close(&chain);
        image_clear(&image);
    }
}

static void no_copy_may_take_more_than_a_day(void **state)
{
    (void)state;
    static const int64_t sizes[] = {INT64_C(90) << 30, INT64_C(1) << 50, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        assert_int_equal(qemu_img_patience(&(struct chain){.data_bytes = sizes[i]}), 86400);
    }
    assert_int_equal(qemu_img_patience(&(struct chain){.data_bytes = INT64_C(1) << 30}), 1624);
}

static void a_good_image_is_copied_with_its_base(void **state)
{
    (void)state;
    secret_make(); /* here only a pattern to be found again */
    const char *const moved[] = {"mv", in_folder("outside/secret"), in_folder("library/base.raw"),
                                 NULL};
    assert_int_equal(run_program(moved), 0);
    overlay_make_of("library/top.qcow2", "base.raw", "raw");

    expect_good(copy("top.qcow2", "copy", err));

    assert_true(has_secret("copy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_LIBRARY(a_descriptor_below_an_image_names_no_file_of_the_host),
        IN_LIBRARY(a_format_that_is_not_said_is_not_guessed),
        IN_LIBRARY(a_format_that_is_not_so_is_refused_both_ways),
        IN_LIBRARY(names_that_are_no_paths_in_the_library_are_refused),
        IN_LIBRARY(chains_have_an_end),
        IN_LIBRARY(a_name_that_changes_hands_is_not_looked_up_again),
        IN_LIBRARY(an_image_that_was_replaced_is_checked_anew_when_it_is_used),
        IN_LIBRARY(a_header_that_changes_after_the_check_reads_nobodys_file),
        IN_LIBRARY(an_image_that_grows_meanwhile_is_not_taken_for_whole),
        IN_LIBRARY(what_is_there_and_no_file_is_not_even_opened),
        IN_LIBRARY(a_file_with_two_names_may_be_anybodys),
        IN_LIBRARY(the_time_for_a_copy_is_not_the_images_own_word),
        TEST(no_copy_may_take_more_than_a_day),
        IN_LIBRARY(a_good_image_is_copied_with_its_base),
    };
    if (!have_qemu_img()) {
        print_message("1..0 # SKIP needs qemu-img\n");
        return 0;
    }
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
