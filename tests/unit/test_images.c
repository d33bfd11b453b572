#include "lodge/vm.h"
#include "support/library_world.h"
#include <endian.h>
#include <sched.h>
#include <sys/mount.h>

static void overlay_make(const char *name, const char *base)
{
    overlay_make_of(name, base, "qcow2");
}

static void kernel_make(const char *name, const char *cmdline)
{
    AUTO(free) char *path = xasprintf("library/%s", name);
    assert_int_equal(mkdir(in_folder(path), 0700), 0);
    static const char *const files[] = {"vmlinuz", "initrd", "cmdline"};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        AUTO(free) char *file = xasprintf("%s/%s", path, files[i]);
        file_write(in_folder(file), i == 2 ? cmdline : "x");
    }
}

static void a_disk_says_its_format_and_size(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format, *size;
        int64_t gib;
    } rows[] = {
        {"a.qcow2", "qcow2", "10G", 10},
        {"b.raw", "raw", "1025M", 2},
        {"c.img", "qcow2", "1G", 1},
        {"no-ending", "qcow2", "3G", 3},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct image image = {0};
        AUTO(free) char *name = xasprintf("library/%s", rows[i].name);
        disk_make(name, rows[i].format, rows[i].size);

        expect_good(find(rows[i].name, IMAGE_DISK, &image, err));

        assert_int_equal(image.kind, IMAGE_DISK);
        assert_string_equal(image.name, rows[i].name);
        assert_string_equal(image.format, rows[i].format);
        assert_int_equal(image.size_gib, rows[i].gib);
        assert_string_equal(image.path, in_folder(name));
        image_clear(&image);
    }
}

static void an_iso_is_one_by_name_or_by_its_mark(void **state)
{
    (void)state;
    struct image image = {0};
    file_write(in_folder("library/a.ISO"), "anything");
    AUTO(fd_close) int fd = open(in_folder("library/b.img"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, "CD001", 5, 32769), 5);

    expect_good(find("a.ISO", IMAGE_ISO, &image, err));
    image_clear(&image);
    expect_good(find("b.img", IMAGE_ISO, &image, err));

    assert_null(image.format);
    image_clear(&image);
    expect_no("b.img", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, "no disk 'b.img'");
}

static void a_kernel_is_a_folder_of_three(void **state)
{
    (void)state;
    struct image image = {0};
    kernel_make("tiny", "quiet console=ttyS0\n");

    expect_good(find("tiny", IMAGE_KERNEL, &image, err));

    assert_string_equal(image.path, in_folder("library/tiny/vmlinuz"));
    assert_string_equal(image.initrd, in_folder("library/tiny/initrd"));
    assert_string_equal(image.cmdline, "quiet console=ttyS0");
    image_clear(&image);
}

static void a_kernels_files_may_be_shared_within_the_library(void **state)
{
    (void)state;
    struct image image = {0};
    kernel_make("tiny", "quiet");
    kernel_make("other", "quiet");
    assert_int_equal(remove(in_folder("library/other/vmlinuz")), 0);
    assert_int_equal(symlink("../tiny/vmlinuz", in_folder("library/other/vmlinuz")), 0);

    expect_good(find("other", IMAGE_KERNEL, &image, err));

    assert_string_equal(image.path, in_folder("library/tiny/vmlinuz"));
    image_clear(&image);
}

static void half_a_kernel_is_none(void **state)
{
    (void)state;
    static const char long_line[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    char huge[64 * sizeof long_line] = "";
    for (size_t i = 0; i < 65; i++) {
        memcpy(huge + i * 32, long_line, i == 64 ? 2 : 32);
    }
    kernel_make("two-lines", "quiet\nsplash\n");
    kernel_make("huge", huge);
    kernel_make("without", "quiet");
    kernel_make("led-out", "quiet");
    assert_int_equal(remove(in_folder("library/without/initrd")), 0);
    assert_int_equal(remove(in_folder("library/led-out/initrd")), 0);
    file_write(in_folder("outside/initrd"), "x");
    assert_int_equal(symlink(in_folder("outside/initrd"), in_folder("library/led-out/initrd")), 0);

    expect_no("two-lines", IMAGE_KERNEL, LODGE_ERROR_UNSUPPORTED, "not one line");
    expect_no("huge", IMAGE_KERNEL, LODGE_ERROR_UNSUPPORTED, "2048 bytes");
    expect_no("without", IMAGE_KERNEL, LODGE_ERROR_UNSUPPORTED, "no file initrd");
    expect_no("led-out", IMAGE_KERNEL, LODGE_ERROR_UNSUPPORTED, "no file initrd");
}

static void a_name_is_no_path(void **state)
{
    (void)state;
    static const char *const names[] = {"", ".", "..", "../outside", "a/b", "/etc/passwd"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct lodge_error err = {0};
        struct image image = {0};

        assert_false(find(names[i], IMAGE_DISK, &image, &err));

        assert_int_equal(err.kind, LODGE_ERROR_PARAMS);
        assert_string_equal(err.param, "image");
    }
}

static void what_leads_out_of_the_library_is_not_in_it(void **state)
{
    (void)state;
    disk_make("outside/a.qcow2", "qcow2", "1G");
    assert_int_equal(symlink(in_folder("outside/a.qcow2"), in_folder("library/a.qcow2")), 0);
    assert_int_equal(symlink("../outside/a.qcow2", in_folder("library/b.qcow2")), 0);
    assert_int_equal(symlink("/proc/self/fd/0", in_folder("library/c.raw")), 0);
    assert_int_equal(symlink("nowhere", in_folder("library/d.raw")), 0);
    disk_make("library/.hidden.qcow2", "qcow2", "1G");

    expect_no("a.qcow2", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, "a.qcow2");
    expect_no("b.qcow2", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, "b.qcow2");
    expect_no("c.raw", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, "c.raw");
    expect_no("d.raw", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, "d.raw");
    expect_no(".hidden.qcow2", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, ".hidden");
}

static void what_is_no_file_is_no_image(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_folder("library/a.raw"), 0600), 0);
    assert_int_equal(mkfifo(in_folder("library/a.iso"), 0600), 0);
    assert_int_equal(mkdir(in_folder("library/b.raw"), 0700), 0);

    expect_no("a.raw", IMAGE_DISK, LODGE_ERROR_UNSUPPORTED, "no plain file");
    expect_no("a.iso", IMAGE_ISO, LODGE_ERROR_UNSUPPORTED, "no plain file");
    expect_no("b.raw", IMAGE_DISK, LODGE_ERROR_NOT_FOUND, "b.raw");
}

static void an_image_may_be_based_on_one_of_the_library(void **state)
{
    (void)state;
    struct image image = {0};
    disk_make("library/base.qcow2", "qcow2", "1G");
    overlay_make("library/middle.qcow2", "base.qcow2");
    overlay_make("library/top.qcow2", in_folder("library/middle.qcow2"));

    expect_good(find("top.qcow2", IMAGE_DISK, &image, err));

    assert_string_equal(image.format, "qcow2");
    image_clear(&image);
}

static void an_image_based_on_anything_else_is_refused(void **state)
{
    (void)state;
    disk_make("outside/base.qcow2", "qcow2", "1G");
    disk_make("library/link-target.qcow2", "qcow2", "1G");
    assert_int_equal(symlink(in_folder("outside/base.qcow2"), in_folder("library/link.qcow2")), 0);
    const char *const bases[] = {
        in_folder("outside/base.qcow2"),
        "../outside/base.qcow2",
        "link.qcow2",
        "absent.qcow2",
        "nbd://127.0.0.1:9/x",
        "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}}",
        "/etc/passwd",
        "/dev/zero",
        "file:link-target.qcow2",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bases); i++) {
        overlay_make("library/top.qcow2", bases[i]);
        expect_no("top.qcow2", IMAGE_DISK, LODGE_ERROR_UNSUPPORTED, "not in the library");
    }
    overlay_make("library/middle.qcow2", in_folder("outside/base.qcow2"));
    overlay_make("library/top.qcow2", "middle.qcow2");
    expect_no("top.qcow2", IMAGE_DISK, LODGE_ERROR_UNSUPPORTED, "not in the library");
    overlay_make("library/self.qcow2", "self.qcow2");
    expect_no("self.qcow2", IMAGE_DISK, LODGE_ERROR_UNSUPPORTED, "on itself");
}

static void an_external_data_file_is_refused(void **state)
{
    (void)state;
    AUTO(free) char *option = xasprintf("data_file=%s", in_folder("library/data.raw"));
    const char *const words[] = {"qemu-img", "create", "-q",   "-f",
                                 "qcow2",    "-o",     option, in_folder("library/top.qcow2"),
                                 "1G",       NULL};
    qemu_img(words);

    expect_no("top.qcow2", IMAGE_DISK, LODGE_ERROR_UNSUPPORTED, "in another file");
}

static void a_name_twice_is_the_first_directorys(void **state)
{
    (void)state;
    struct image image = {0};
    disk_make("library/a.qcow2", "qcow2", "1G");
    disk_make("outside/a.qcow2", "qcow2", "2G");
    assert_true(lodge_strings_add(&dirs, in_folder("outside")));

    expect_good(find("a.qcow2", IMAGE_DISK, &image, err));

    assert_int_equal(image.size_gib, 1);
    image_clear(&image);
}

static void told(void *data, const struct image *image)
{
    char *words = data;
    size_t used = strlen(words);
    (void)snprintf(words + used, 256 - used, "%s %s %d;", image_kind_name(image->kind), image->name,
                   (int)image->size_gib);
}

static void what_can_be_used_is_listed_in_order_of_name(void **state)
{
    (void)state;
    char words[256] = "";
    disk_make("library/b.qcow2", "qcow2", "1G");
    disk_make("outside/b.qcow2", "qcow2", "2G");
    disk_make("outside/a.raw", "raw", "2G");
    file_write(in_folder("library/c.iso"), "x");
    file_write(in_folder("library/README"), "x");
    file_write(in_folder("library/broken.qcow2"), "QFI\xfb not so");
    overlay_make("library/e.qcow2", "/etc/passwd");
    kernel_make("d", "quiet");
    assert_true(lodge_strings_add(&dirs, in_folder("nowhere")));
    assert_true(lodge_strings_add(&dirs, in_folder("outside")));

    image_list(&dirs, told, words);
    expect_no("broken.qcow2", IMAGE_DISK, LODGE_ERROR_UNSUPPORTED, "no qcow2 image");

    assert_string_equal(words, "disk a.raw 2;disk b.qcow2 1;iso c.iso -1;"
                               "kernel d -1;");
}

/* In memory that keeps time as coarsely as file systems did for long; else as good as it gets. */
static void mount_coarse_time(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("ramfs", in_folder("library"), "ramfs", 0, NULL) != 0) {
        print_message("# no ramfs can be mounted: the file system's own time is used\n");
    }
}

static void an_image_that_is_broken_within_a_tick_of_the_clock_is_not_listed(void **state)
{
    (void)state;
    enum { TRIES = 200, L1_AT = 40 };
    uint64_t place = 0;
    uint64_t good = 0;
    uint64_t bad = htobe64((UINT64_C(1) << 63) | (UINT64_C(1) << 50));
    mount_coarse_time();
    disk_make("library/a.qcow2", "qcow2", "1G");
    AUTO(fd_close) int fd = open(in_folder("library/a.qcow2"), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &place, sizeof place, L1_AT), sizeof place);
    off_t at = (off_t)be64toh(place);
    for (int i = 0; i < TRIES; i++) {
        char before[256] = "";
        char after[256] = "";
        assert_int_equal(pwrite(fd, &good, sizeof good, at), sizeof good);
        image_list(&dirs, told, before);
        assert_int_equal(pwrite(fd, &bad, sizeof bad, at), sizeof bad);
        image_list(&dirs, told, after);
        assert_string_equal(before, "disk a.qcow2 1;");
        assert_string_equal(after, "");
    }
    (void)umount2(in_folder("library"), MNT_DETACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_LIBRARY(a_disk_says_its_format_and_size),
        IN_LIBRARY(an_iso_is_one_by_name_or_by_its_mark),
        IN_LIBRARY(a_kernel_is_a_folder_of_three),
        IN_LIBRARY(a_kernels_files_may_be_shared_within_the_library),
        IN_LIBRARY(half_a_kernel_is_none),
        IN_LIBRARY(a_name_is_no_path),
        IN_LIBRARY(what_leads_out_of_the_library_is_not_in_it),
        IN_LIBRARY(what_is_no_file_is_no_image),
        IN_LIBRARY(an_image_may_be_based_on_one_of_the_library),
        IN_LIBRARY(an_image_based_on_anything_else_is_refused),
        IN_LIBRARY(an_external_data_file_is_refused),
        IN_LIBRARY(a_name_twice_is_the_first_directorys),
        IN_LIBRARY(what_can_be_used_is_listed_in_order_of_name),
        IN_LIBRARY(an_image_that_is_broken_within_a_tick_of_the_clock_is_not_listed),
    };
    if (!have_qemu_img()) {
        print_message("1..0 # SKIP needs qemu-img\n");
        return 0;
    }
    return cmocka_run_group_tests_name("images", tests, NULL, NULL);
}
