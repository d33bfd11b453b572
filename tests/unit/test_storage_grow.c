/* test_storage_grow: what a guest wrote into its disk decides nothing when that disk grows. */
#include "support/storage_world.h"

#include "memory.h"

#include <signal.h>

enum { MIB = 1024 * 1024, VICTIM_BYTES = 12 * MIB };

/* A place of plain files: what grows is the same for pools of this machine. */
static int with_a_victim(void **state)
{
    if (folder_make(state) != 0) {
        return -1;
    }
    AUTO(free) char *uri = xasprintf("qemu:///embed?root=%s", folder);
    struct lodge_error err = {0};
    host_is(uri);
    storage_place(&host, NULL, NULL, &place);
    AUTO(fd_close) int fd = open(in_folder("victim"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 && ftruncate(fd, VICTIM_BYTES) == 0 && pwrite(fd, "precious", 8, 0) == 8 &&
                   storage_prepare(&conn, &place, &err)
               ? 0
               : -1;
}

static void make(const char *name, const char *format)
{
    const struct volume volume = {.name = name, .format = format, .size_gib = 1};
    expect_good(storage_make(&conn, &place, &volume, NULL, err));
}

static int64_t bytes_of(const char *path)
{
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    return file.st_size;
}

static void expect_victim_untouched(void)
{
    char text[9] = "";
    AUTO(fd_close) int fd = open(in_folder("victim"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, text, 8, 0), 8);
    assert_string_equal(text, "precious");
    assert_int_equal(bytes_of(in_folder("victim")), VICTIM_BYTES);
}

static void run(const char *script)
{
    AUTO(free) char *line = xasprintf("cd '%s' && %s", folder, script);
    const char *const words[] = {"sh", "-c", line, NULL};
    assert_int_equal(run_program(words), 0);
}

/* What the guest writes to the start of its raw disk: an image of that kind, made by QEMU's own
 * tool in `made`; each names the victim if it can name anything. */
static const struct {
    const char *what, *script;
} images[] = {
    {"external data file",
     "qemu-img create -q -f qcow2 -o data_file=victim,data_file_raw=on made 8M"},
    {"backing file", "qemu-img create -q -f qcow2 -b victim -F raw made 8M"},
    {"qcow2", "qemu-img create -q -f qcow2 made 8M"},
    {"VMDK", "qemu-img create -q -f vmdk made 8M"},
    {"VMDK's descriptor",
     "printf '# Disk DescriptorFile\\nversion=1\\nCID=1\\nparentCID=ffffffff\\n"
     "createType=\"monolithicFlat\"\\nRW 24576 FLAT \"victim\" 0\\n' >made"},
    {"VDI", "qemu-img create -q -f vdi made 8M"},
    {"QED", "qemu-img create -q -f qed -b victim -F raw made 8M"},
    {"VHDX", "qemu-img create -q -f vhdx made 8M"},
    {"LUKS", "printf 'LUKS\\272\\276\\000\\001' >made"},
};

static void what_a_guest_wrote_into_a_raw_disk_is_not_read_when_it_grows(void **state)
{
    (void)state;
    AUTO(free) char *path = storage_path(&place, A_RAW_VOLUME);
    AUTO(free) char *write = xasprintf("dd if=made of='%s' conv=notrunc status=none", path);
    AUTO(free)
    char *same = xasprintf("cmp -n \"$(stat -c %%s made)\" made '%s' && rm made '%s'", path, path);
    for (size_t i = 0; i < ARRAY_LENGTH(images); i++) {
        print_message("# %s\n", images[i].what);
        make(A_RAW_VOLUME, "raw");
        /* data_file makes its file anew */
        run("cp --sparse=always victim kept");
        run(images[i].script);
        run("cp --sparse=always kept victim");
        run(write);

        expect_good(grow_it(A_RAW_VOLUME, 3, err));

        assert_int_equal(bytes_of(path), INT64_C(3) << 30);
        expect_victim_untouched();
        run(same);
    }
}

/* Somebody who may write a qcow2 file's header is no guest of ours, but what it names is not
 * opened. */
static void a_qcow2_disk_that_rests_on_another_file_is_left_alone(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "qemu-img create -q -f qcow2 -b victim -F raw made 1G",
        "qemu-img create -q -f qcow2 -o data_file=victim made 8M",
        /* It gives up when it is held up while it measures how fast it derives a key. */
        ("for try in $(seq 50); do qemu-img create -q -f qcow2 --object secret,id=s,data=abcd"
         " -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 made 8M && break; "
         "done"),
        "head -c 1048576 /dev/zero >made",
        "printf 'QFI\\373' >made",
    };
    AUTO(free) char *path = storage_path(&place, A_VOLUME);
    AUTO(free) char *put = xasprintf("cat made >'%s' && cp '%s' before && rm made", path, path);
    AUTO(free) char *same = xasprintf("cmp before '%s' && rm '%s'", path, path);
    for (size_t i = 0; i < ARRAY_LENGTH(scripts); i++) {
        print_message("# %s\n", scripts[i]);
        make(A_VOLUME, "qcow2");
        run("cp --sparse=always victim kept");
        run(scripts[i]);
        run("cp --sparse=always kept victim");
        run(put);

        expect_kind(grow_it(A_VOLUME, 3, err), LODGE_ERROR_CONFLICT);

        expect_victim_untouched();
        run(same);
    }
}

static void one_that_is_larger_already_is_left_so_and_said(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format;
    } rows[] = {{A_VOLUME, "qcow2"}, {A_RAW_VOLUME, "raw"}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t bytes = 0;
        const struct volume_growth growth = {rows[i].name, rows[i].format, 2};
        AUTO(free) char *path = storage_path(&place, rows[i].name);
        AUTO(free)
        char *script = xasprintf("qemu-img resize -q -f %s '%s' 5G", rows[i].format, path);
        make(rows[i].name, rows[i].format);
        run(script);

        expect_good(storage_grow(&conn, &place, &growth, &bytes, err));

        assert_int_equal(bytes, INT64_C(5) << 30);
    }
}

static void a_format_that_lodge_does_not_make_is_not_tried(void **state)
{
    (void)state;
    int64_t bytes = 0;
    const struct volume_growth growth = {A_RAW_VOLUME, "vmdk", 2};
    make(A_RAW_VOLUME, "raw");

    expect_kind(storage_grow(&conn, &place, &growth, &bytes, err), LODGE_ERROR_INTERNAL);
}

static void another_machines_file_is_not_this_ones(void **state)
{
    (void)state;
    make(A_RAW_VOLUME, "raw");
    place.pool[0] = '\0';
    free(place.pool);
    place.pool = xstrdup("lodge");
    host_is("qemu+ssh://far/system");

    expect_kind(grow_it(A_RAW_VOLUME, 2, err), LODGE_ERROR_DENIED);
}

#define WITH_A_VICTIM(function) \
    cmocka_unit_test_setup_teardown(function, with_a_victim, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_VICTIM(what_a_guest_wrote_into_a_raw_disk_is_not_read_when_it_grows),
        WITH_A_VICTIM(a_qcow2_disk_that_rests_on_another_file_is_left_alone),
        WITH_A_VICTIM(one_that_is_larger_already_is_left_so_and_said),
        WITH_A_VICTIM(a_format_that_lodge_does_not_make_is_not_tried),
        WITH_A_VICTIM(another_machines_file_is_not_this_ones),
    };
    signal(SIGPIPE, SIG_IGN);
    if (!have_qemu_img()) {
        print_message("1..0 # SKIP needs qemu-img\n");
        return 0;
    }
    return cmocka_run_group_tests_name("storage_grow", tests, NULL, NULL);
}
