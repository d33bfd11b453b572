#include "support/storage_world.h"

#include "memory.h"

#include <stdarg.h>

static struct uses *uses;
static char *path;

static int with_a_file(void **state)
{
    if (folder_make(state) != 0) {
        return -1;
    }
    AUTO(free) char *uri = xasprintf("qemu:///embed?root=%s", folder);
    host_is(uri);
    storage_place(&host, NULL, NULL, &place);
    struct lodge_error err = {0};
    uses = uses_new();
    uses->began_ms = loop_monotonic_ms();
    path = storage_path(&place, A_VOLUME);
    if (!storage_prepare(&conn, &place, &err)) {
        return -1;
    }
    file_write(path, "ours");
    return 0;
}

static int without_it(void **state)
{
    uses_release(uses);
    free(path);
    return place_remove(state);
}

static struct storage_removal removed_by(struct storage_removal removal)
{
    struct lodge_error err = {0};
    must(storage_remove(&conn, &place, A_VOLUME, &removal, &err), &err);
    assert_int_equal(file_is_there(path), removal.end != STORAGE_REMOVED);
    return removal;
}

static void somebody_says(const char *name)
{
    struct named_files files = {.items = xcalloc(1, sizeof *files.items), .count = 1};
    files.items[0].path = xstrdup(name);
    uses_add_domain(uses, "00000000-0000-4000-8000-00000000000a", "web", &files);
}

static void a_file_is_asked_for_before_it_goes(void **state)
{
    (void)state;
    assert_int_equal(removed_by((struct storage_removal){0}).end, STORAGE_ASKS);

    assert_int_equal(removed_by((struct storage_removal){.uses = uses}).end, STORAGE_REMOVED);

    file_write(path, "again");
    assert_int_equal(unlink(path), 0);
    struct lodge_error err = {0};
    struct storage_removal absent = {0};
    must(storage_remove(&conn, &place, A_VOLUME, &absent, &err), &err);
    assert_int_equal(absent.end, STORAGE_ABSENT); /* nobody need be asked */
}

static void an_old_answer_is_none(void **state)
{
    (void)state;
    uses->began_ms -= USES_MOST_AGE_MS + 1;
    assert_int_equal(removed_by((struct storage_removal){.uses = uses}).end, STORAGE_ASKS);
    uses->began_ms = loop_monotonic_ms();
    atomic_fetch_add(&host.defined, 1);
    assert_int_equal(removed_by((struct storage_removal){.uses = uses}).end, STORAGE_ASKS);

    /* Of one that the job has read itself only the age counts. */
    uses->began_ms -= USES_MOST_AGE_MS + 1;
    assert_int_equal(removed_by((struct storage_removal){.uses = uses, .is_own = true}).end,
                     STORAGE_ASKS);
    uses->began_ms = loop_monotonic_ms();
    assert_int_equal(removed_by((struct storage_removal){.uses = uses, .is_own = true}).end,
                     STORAGE_REMOVED);
    atomic_store(&host.defined, 0);
}

static void a_file_that_a_domain_names_is_kept(void **state)
{
    (void)state;
    somebody_says(path);

    struct storage_removal named = removed_by((struct storage_removal){.uses = uses});

    assert_int_equal(named.end, STORAGE_KEPT);
    assert_string_equal(named.why, "VM 'web' uses it");
}

static void it_is_known_by_its_inode(void **state)
{
    (void)state;
    struct stat there;
    const char *link = in_folder("link");
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(stat(link, &there), 0);
    somebody_says(link);
    uses_see(uses, uses->files[0], there.st_dev, there.st_ino);
    assert_int_equal(removed_by((struct storage_removal){.uses = uses}).end, STORAGE_KEPT);

    uses->files[0]->inode++;

    assert_int_equal(removed_by((struct storage_removal){.uses = uses}).end, STORAGE_REMOVED);
}

/* As file-posix.c of QEMU locks what it has open. */
static void a_file_that_a_QEMU_has_open_is_kept(void **state)
{
    (void)state;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 203, .l_len = 1};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    struct storage_removal open_elsewhere = removed_by((struct storage_removal){.uses = uses});
    assert_int_equal(open_elsewhere.end, STORAGE_KEPT);
    assert_string_equal(open_elsewhere.why, "a QEMU has it open");

    assert_int_equal(close(fd), 0);

    assert_int_equal(removed_by((struct storage_removal){.uses = uses}).end, STORAGE_REMOVED);
}

static void only_what_lodge_calls_files_is_its_naming(void **state)
{
    (void)state;
    static const char *const ours[] = {"-0.qcow2", "-12.raw", "-serial.log", "-serial.log.0",
                                       "-serial.log.12"};
    static const char *const others[] = {
        "",       "-",         "-0",           "-.qcow2",      "-0.s1",    "-0.qcow2.bak",
        "-x.raw", "-0.qcow2/", "-serial.log.", "-serial.logs", ".0.qcow2", "-serial.log.0.1"};
    for (size_t i = 0; i < ARRAY_LENGTH(ours); i++) {
        AUTO(free) char *name = xasprintf(A_UUID "%s", ours[i]);
        assert_true(storage_is_our_name(name));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        AUTO(free) char *name = xasprintf(A_UUID "%s", others[i]);
        assert_false(storage_is_our_name(name));
    }
    assert_false(storage_is_our_name("0000000-00000-4000-8000-000000000001-0.qcow2"));
    assert_false(storage_is_our_name("0000000A-0000-4000-8000-000000000001-0.qcow2"));
    assert_false(storage_is_our_name("00000000-0000"));
}

#define ON_FILE(function) cmocka_unit_test_setup_teardown(function, with_a_file, without_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FILE(a_file_is_asked_for_before_it_goes),
        ON_FILE(an_old_answer_is_none),
        ON_FILE(a_file_that_a_domain_names_is_kept),
        ON_FILE(it_is_known_by_its_inode),
        ON_FILE(a_file_that_a_QEMU_has_open_is_kept),
        TEST(only_what_lodge_calls_files_is_its_naming),
    };
    return cmocka_run_group_tests_name("storage_removal", tests, NULL, NULL);
}
