/* restore_moves: lodged --restore where a file cannot be moved: nothing, or it says what comes. */
#include "support/test.h"

#include "support/restore_world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

static const char *stays; /* a name that cannot be moved, as in a folder of others; NULL: none */

/* In place of the C library's. */
int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (stays != NULL && strcmp(from, stays) == 0) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    if (stays != NULL && strcmp(from, stays) == 0) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static size_t files_with(const char *part)
{
    size_t count = 0;
    DIR *list = opendir(dir);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        count += strstr(entry->d_name, part) != NULL;
    }
    closedir(list);
    return count;
}

/* While `name` stays where it is. What is left to be put in place is said, and nothing else is. */
static void expect_failure(const char *name, const char *words)
{
    struct lodge_error err = {0};
    struct store_restored restored;
    stays = name;
    bool good = store_restore(dir, copy, 5000, &restored, &err);
    stays = NULL;
    assert_false(good);
    assert_int_equal(err.kind, LODGE_ERROR_STORE_UNAVAILABLE);
    if (strstr(err.message, words) == NULL || strstr(err.message, name) == NULL) {
        fail_msg("'%s' and '%s' are not in '%s'", words, name, err.message);
    }
    bool says_later = strstr(err.message, "when lodged starts next") != NULL;
    assert_true(says_later == (files_with("lodge.db.restore") > 0));
}

static void what_failed_before_it_moved_is_not_done_at_the_next_start(void **state)
{
    (void)state;
    static const char *const names[] = {"lodge.db", "lodge.db.restore", "lodge.db-wal"};
    make_history();
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        bool has_log = i == 2;
        if (has_log) {
            leave_log();
        }

        expect_failure(names[i], "Operation not permitted");

        assert_false(has_parts());
        assert_int_equal(files_with("replaced"), 0);
        assert_int_equal(vms_now(), has_log ? 4 : 3);
    }
}

static void what_failed_after_it_moved_says_when_it_is_done(void **state)
{
    (void)state;
    make_history();
    leave_log();

    expect_failure("lodge.db.restore", "when lodged starts next, or by running this again");
    expect_failure("lodge.db.restore", "when lodged starts next, or by running this again");

    assert_int_equal(vms_now(), 2);
    assert_false(has_parts());
}

static void what_is_owed_is_done_by_running_it_again(void **state)
{
    (void)state;
    make_history();
    leave_log();
    expect_failure("lodge.db.restore", "by running this again");

    struct store_restored restored = restore_well(copy);

    assert_int_equal(restored.vms, 2);
    assert_false(has_parts());
    store_restored_clear(&restored);
    assert_int_equal(vms_now(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOTH(what_failed_before_it_moved_is_not_done_at_the_next_start),
        IN_BOTH(what_failed_after_it_moved_says_when_it_is_done),
        IN_BOTH(what_is_owed_is_done_by_running_it_again),
    };
    return cmocka_run_group_tests_name("restore_moves", tests, NULL, NULL);
}
