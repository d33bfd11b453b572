#include "support/storage_world.h"

#include "lodge/vm.h"
#include "memory.h"

#include <pthread.h>
#include <signal.h>

enum { MIB = 1024 * 1024 };

static int with_a_place(void **state)
{
    if (folder_make(state) != 0) {
        return -1;
    }
    AUTO(free) char *uri = xasprintf("qemu:///embed?root=%s", folder);
    host_is(uri);
    storage_place(&host, NULL, NULL, &place);
    struct lodge_error err = {0};
    return storage_prepare(&conn, &place, &err) ? 0 : -1;
}

static const struct volume blank = {.name = A_VOLUME, .format = "qcow2", .size_gib = 2};

static bool make(const struct volume *volume, struct lodge_error *err)
{
    return storage_make(&conn, &place, volume, NULL, err);
}

/* As QEMU sees it, and based on nothing. */
static void expect_disk(const char *name, const char *format, int size_gib)
{
    static const char line[] =
        "words=$(qemu-img info -U --output=json -f \"$2\" \"$1\") && "
        "echo \"$words\" | grep -q \"\\\"virtual-size\\\": $(($3 << 30)),\" && "
        "! echo \"$words\" | grep -q backing-filename";
    AUTO(free) char *path = storage_path(&place, name);
    AUTO(free) char *size = xasprintf("%d", size_gib);
    const char *const words[] = {"sh", "-c", line, "sh", path, format, size, NULL};
    assert_int_equal(run_program(words), 0);
}

/* A raw image of `mib` with something in it at its end. */
static const char *image_make(const char *name, int mib)
{
    const char *path = in_folder(name);
    AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)mib * MIB), 0);
    assert_int_equal(pwrite(fd, "the end", 7, (off_t)mib * MIB - 7), 7);
    return path;
}

/* --- places -----------------------------------------------------------------------------------
 */

static void places_follow_from_the_host(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *pool, *dir;
        const char *expected_pool, *expected_dir;
    } rows[] = {
        {"qemu:///system", NULL, NULL, "lodge", "/var/lib/libvirt/images/lodge"},
        {"qemu+ssh://far/system", NULL, NULL, "lodge", "/var/lib/libvirt/images/lodge"},
        {"qemu:///session", NULL, NULL, "lodge", "/home/u/data/lodge/disks"},
        {"qemu+unix:///session?socket=/s", NULL, NULL, "lodge", "/home/u/data/lodge/disks"},
        {"test:///default", NULL, NULL, "lodge", "/var/lib/libvirt/images/lodge"},
        {"qemu:///embed?root=/r%20r", NULL, NULL, "", "/r r/disks"},
        {"qemu:///embed?root=/r", "ssd", "/ssd/", "", "/ssd"},
        {"qemu:///system", "ssd", "/ssd//", "ssd", "/ssd"},
        {"qemu:///system", NULL, "/", "lodge", "/"},
    };
    setenv("XDG_DATA_HOME", "/home/u/data", 1);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct storage_place found = {0};
        host_is(rows[i].uri);

        storage_place(&host, rows[i].pool, rows[i].dir, &found);

        assert_string_equal(found.pool, rows[i].expected_pool);
        assert_string_equal(found.dir, rows[i].expected_dir);
        storage_place_clear(&found);
    }
    struct storage_place root = {.dir = (char[]){"/"}};
    AUTO(free) char *path = storage_path(&root, "a");
    assert_string_equal(path, "/a");
}

static void a_place_is_made_with_what_is_above_it(void **state)
{
    (void)state;
    struct stat info;
    struct storage_place deep = {.pool = (char[]){""}, .dir = xasprintf("%s/a/b/c", folder)};

    expect_good(storage_prepare(&conn, &deep, err));
    expect_good(storage_prepare(&conn, &deep, err));

    assert_int_equal(stat(deep.dir, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0711);
    free(deep.dir);
}

/* --- making -----------------------------------------------------------------------------------
 */

static void a_blank_volume_has_its_size_and_is_nobodys_else(void **state)
{
    (void)state;
    static const struct volume raw = {.name = A_RAW_VOLUME, .format = "raw", .size_gib = 3};
    struct stat file;

    expect_good(make(&blank, err));
    expect_good(make(&raw, err));

    expect_disk(A_VOLUME, "qcow2", 2);
    AUTO(free) char *path = storage_path(&place, A_RAW_VOLUME);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, INT64_C(3) << 30);
    assert_true(file.st_blocks < 2048);
    assert_int_equal(file.st_mode & 0777, 0600);
}

enum odd { ODD_LINK, ODD_DANGLING, ODD_FOLDER, ODD_SECOND_NAME, ODD_KINDS };

/* Puts there what is no volume of ours; `elsewhere` is what it leads to, if anything. */
static void put_odd(enum odd odd, const char *path, const char *elsewhere)
{
    int failed = -1;
    switch (odd) {
    case ODD_LINK:
        failed = symlink(elsewhere, path);
        break;
    case ODD_DANGLING:
        failed = symlink(in_folder("nowhere"), path);
        break;
    case ODD_FOLDER:
        failed = mkdir(path, 0700);
        break;
    case ODD_SECOND_NAME:
        failed = link(elsewhere, path);
        break;
    case ODD_KINDS:
        break;
    }
    assert_int_equal(failed, 0);
}

static void expect_text(const char *path, const char *expected)
{
    char text[16] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, expected);
}

static void what_is_there_is_never_written(void **state)
{
    (void)state;
    AUTO(free) char *path = storage_path(&place, A_VOLUME);
    const char *elsewhere = in_folder("elsewhere");
    file_write(elsewhere, "precious");
    for (enum odd odd = 0; odd < ODD_KINDS; odd++) {
        put_odd(odd, path, elsewhere);

        expect_kind(make(&blank, err), LODGE_ERROR_EXISTS);

        expect_text(elsewhere, "precious");
        assert_false(file_is_there(in_folder("nowhere")));
        assert_int_equal(remove(path), 0);
    }
    file_write(path, "precious");

    expect_kind(make(&blank, err), LODGE_ERROR_EXISTS);

    expect_text(path, "precious");
}

static void a_name_is_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {"", ".", "..", "../a", "a/b", "/etc/passwd"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct volume volume = blank;
        bool was_there = false;
        volume.name = names[i];
        expect_kind(make(&volume, err), LODGE_ERROR_INTERNAL);
        expect_kind(remove_it(names[i], &was_there, err), LODGE_ERROR_INTERNAL);
        expect_kind(grow_it(names[i], 1, err), LODGE_ERROR_INTERNAL);
    }
}

static void a_copy_is_grown_to_its_size(void **state)
{
    (void)state;
    static const char *const formats[] = {"qcow2", "raw"};
    const char *image = image_make("image.raw", 5);
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        const struct volume volume = {
            .name = i == 0 ? A_VOLUME : A_RAW_VOLUME,
            .format = formats[i],
            .size_gib = 1,
            .image = image_of(image, false),
        };

        expect_good(make(&volume, err));

        expect_disk(volume.name, formats[i], 1);
        AUTO(free) char *path = storage_path(&place, volume.name);
        const char *const words[] = {"qemu-img", "compare",  "-q",  "-f", "raw",
                                     "-F",       formats[i], image, path, NULL};
        assert_int_equal(run_program(words), 0);
    }
}

static void what_an_image_is_based_on_is_copied_too(void **state)
{
    (void)state;
    const char *base = image_make("base.raw", 4);
    const char *image = in_folder("top.qcow2");
    const char *const words[] = {"qemu-img", "create", "-q",  "-f",  "qcow2", "-b",
                                 base,       "-F",     "raw", image, NULL};
    assert_int_equal(run_program(words), 0);
    struct volume volume = blank;
    struct lodge_strings dirs = {0};
    struct chain chain = {0};
    assert_true(lodge_strings_add(&dirs, folder));
    expect_good(chain_read(&dirs, open(image, O_RDONLY | O_CLOEXEC), false, &chain, err));
    volume.image = &chain;

    expect_good(make(&volume, err));

    chain_close(&chain);
    lodge_strings_clear(&dirs);
    expect_disk(A_VOLUME, "qcow2", 2);
    AUTO(free) char *path = storage_path(&place, A_VOLUME);
    const char *const compare[] = {"qemu-img", "compare", "-q", "-f", "raw",
                                   "-F",       "qcow2",   base, path, NULL};
    assert_int_equal(run_program(compare), 0);
}

static void an_image_that_does_not_fit_or_is_none_fails_with_its_reason(void **state)
{
    (void)state;
    bool was_there = false;
    struct volume volume = blank;
    volume.size_gib = 1;
    const char *image = image_make("image.raw", 1025);
    volume.image = image_of(image, false);
    expect_kind(make(&volume, err), LODGE_ERROR_HYPERVISOR);
    expect_good(remove_it(A_VOLUME, &was_there, err));
    assert_true(was_there);

    volume.image = image_of(image, true);
    expect_kind(make(&volume, err), LODGE_ERROR_HYPERVISOR);
}

static void a_format_is_believed_and_not_looked_for(void **state)
{
    (void)state;
    const char *fake = in_folder("fake.raw");
    const char *const words[] = {"qemu-img", "create", "-q", "-f", "qcow2", fake, "1G", NULL};
    assert_int_equal(run_program(words), 0);
    struct volume volume = {
        .name = A_RAW_VOLUME,
        .format = "raw",
        .size_gib = 1,
        .image = image_of(fake, false),
    };

    expect_good(make(&volume, err));

    AUTO(free) char *path = storage_path(&place, A_RAW_VOLUME);
    const char *const compare[] = {"qemu-img", "compare", "-q", "-f", "raw",
                                   "-F",       "raw",     fake, path, NULL};
    assert_int_equal(run_program(compare), 0);
}

/* Somebody who cancels when the copy has begun: what runs in qemu-img's place opens a pipe, which
 * opens when both ends do, and reads until the other end is closed. */
struct canceller {
    const char *pipe;
    int fd;
    atomic_bool cancelled;
};

static void *cancel_when_begun(void *data)
{
    struct canceller *canceller = data;
    canceller->fd = open(canceller->pipe, O_WRONLY | O_CLOEXEC);
    atomic_store(&canceller->cancelled, true);
    return NULL;
}

static void a_cancelled_copy_ends_and_can_be_removed(void **state)
{
    (void)state;
    struct canceller canceller = {.pipe = in_folder("endless")};
    bool was_there = false;
    pthread_t other;
    AUTO(free) char *path = xstrdup(getenv("PATH"));
    AUTO(free)
    char *script = xasprintf("#!/bin/sh\n"
                             "PATH='%s'\n"
                             "test \"$1\" = convert || exec qemu-img \"$@\"\n"
                             "exec cat '%s'\n",
                             path, canceller.pipe);
    file_write(in_folder("qemu-img"), script);
    assert_int_equal(chmod(in_folder("qemu-img"), 0700), 0);
    assert_int_equal(mkfifo(canceller.pipe, 0600), 0);
    struct volume volume = blank;
    volume.image = image_of(image_make("image.raw", 1), false);
    setenv("PATH", folder, 1);
    assert_int_equal(pthread_create(&other, NULL, cancel_when_begun, &canceller), 0);

    expect_kind(storage_make(&conn, &place, &volume, &canceller.cancelled, err),
                LODGE_ERROR_CANCELLED);

    setenv("PATH", path, 1);
    pthread_join(other, NULL);
    assert_int_equal(write(canceller.fd, "x", 1), -1); /* nobody reads any more */
    close(canceller.fd);
    expect_good(remove_it(A_VOLUME, &was_there, err));
    assert_true(was_there);
}

static void a_copy_that_was_cancelled_before_does_not_begin(void **state)
{
    (void)state;
    atomic_bool cancelled = true;
    struct volume volume = blank;
    volume.image = image_of(image_make("image.raw", 1), false);

    expect_kind(storage_make(&conn, &place, &volume, &cancelled, err), LODGE_ERROR_CANCELLED);
}

/* --- deleting ---------------------------------------------------------------------------------
 */

static void a_volume_is_removed_once(void **state)
{
    (void)state;
    bool was_there = false;
    expect_good(make(&blank, err));
    expect_good(remove_it(A_VOLUME, &was_there, err));
    assert_true(was_there);

    expect_good(remove_it(A_VOLUME, &was_there, err));

    assert_false(was_there);
}

static void what_lodge_did_not_make_so_stays(void **state)
{
    (void)state;
    static const enum lodge_error_kind when_grown[] = {
        [ODD_LINK] = LODGE_ERROR_HYPERVISOR,
        [ODD_DANGLING] = LODGE_ERROR_HYPERVISOR,
        [ODD_FOLDER] = LODGE_ERROR_HYPERVISOR,
        [ODD_SECOND_NAME] = LODGE_ERROR_CONFLICT,
    };
    AUTO(free) char *path = storage_path(&place, A_VOLUME);
    const char *elsewhere = in_folder("elsewhere");
    file_write(elsewhere, "precious");
    for (enum odd odd = 0; odd < ODD_KINDS; odd++) {
        bool was_there = false;
        put_odd(odd, path, elsewhere);

        expect_kind(remove_it(A_VOLUME, &was_there, err), LODGE_ERROR_CONFLICT);
        expect_kind(grow_it(A_VOLUME, 9, err), when_grown[odd]);

        assert_false(was_there);
        assert_true(file_is_there(path));
        expect_text(elsewhere, "precious");
        assert_int_equal(remove(path), 0);
    }
}

static void where_no_place_was_made_nothing_is(void **state)
{
    (void)state;
    bool was_there = true;
    struct lodge_strings names = {0};
    int64_t bytes = 0;
    assert_int_equal(rmdir(place.dir), 0);

    expect_good(remove_it(A_VOLUME, &was_there, err));
    assert_false(was_there);
    expect_good(storage_list(&conn, &place, &names, &bytes, err));
    assert_int_equal(names.count, 0);
    expect_kind(make(&blank, err), LODGE_ERROR_HYPERVISOR);
}

/* --- growing, listing -------------------------------------------------------------------------
 */

static void a_volume_grows_and_never_shrinks(void **state)
{
    (void)state;
    expect_good(make(&blank, err));

    expect_good(grow_it(A_VOLUME, 5, err));
    expect_good(grow_it(A_VOLUME, 5, err));
    expect_good(grow_it(A_VOLUME, 1, err));

    expect_disk(A_VOLUME, "qcow2", 5);
    expect_kind(grow_it(A_RAW_VOLUME, 5, err), LODGE_ERROR_NOT_FOUND);
}

static void all_names_are_listed_with_the_room_that_is_left(void **state)
{
    (void)state;
    struct lodge_strings names = {0};
    int64_t bytes = LODGE_UNKNOWN;
    expect_good(make(&blank, err));
    AUTO(free) char *link_path = storage_path(&place, "odd");
    assert_int_equal(symlink("/nowhere", link_path), 0);

    expect_good(storage_list(&conn, &place, &names, &bytes, err));

    assert_int_equal(names.count, 2);
    assert_true(lodge_strings_contain(&names, A_VOLUME));
    assert_true(lodge_strings_contain(&names, "odd"));
    assert_true(bytes > 0);
    lodge_strings_clear(&names);
}

static void pool_told(void *data, const char *name, const char *kind, bool active,
                      int64_t capacity_gib, int64_t free_gib)
{
    assert_string_equal(name, "lodge");
    assert_string_equal(kind, "dir");
    assert_true(active);
    assert_true(capacity_gib >= free_gib && free_gib >= 0);
    (*(int *)data)++;
}

static void network_told(void *data, const char *name, const char *kind, bool active)
{
    assert_string_equal(name, "user");
    assert_string_equal(kind, "user");
    assert_true(active);
    (*(int *)data)++;
}

static void an_embedded_host_offers_its_directory_and_qemus_network(void **state)
{
    (void)state;
    int told = 0;
    assert_int_equal(rmdir(place.dir), 0);

    expect_good(storage_list_pools(&conn, &place, pool_told, &told, err));
    expect_good(storage_list_networks(&conn, network_told, &told, err));

    assert_int_equal(told, 2);
}

#define IN_PLACE(function) cmocka_unit_test_setup_teardown(function, with_a_place, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(places_follow_from_the_host),
        IN_PLACE(a_place_is_made_with_what_is_above_it),
        IN_PLACE(a_blank_volume_has_its_size_and_is_nobodys_else),
        IN_PLACE(what_is_there_is_never_written),
        IN_PLACE(a_name_is_a_name),
        IN_PLACE(a_copy_is_grown_to_its_size),
        IN_PLACE(what_an_image_is_based_on_is_copied_too),
        IN_PLACE(an_image_that_does_not_fit_or_is_none_fails_with_its_reason),
        IN_PLACE(a_format_is_believed_and_not_looked_for),
        IN_PLACE(a_cancelled_copy_ends_and_can_be_removed),
        IN_PLACE(a_copy_that_was_cancelled_before_does_not_begin),
        IN_PLACE(a_volume_is_removed_once),
        IN_PLACE(what_lodge_did_not_make_so_stays),
        IN_PLACE(where_no_place_was_made_nothing_is),
        IN_PLACE(a_volume_grows_and_never_shrinks),
        IN_PLACE(all_names_are_listed_with_the_room_that_is_left),
        IN_PLACE(an_embedded_host_offers_its_directory_and_qemus_network),
    };
    signal(SIGPIPE, SIG_IGN);
    if (!have_qemu_img()) {
        print_message("1..0 # SKIP needs qemu-img\n");
        return 0;
    }
    return cmocka_run_group_tests_name("storage_dir", tests, NULL, NULL);
}
