/* age: whether a database is the one that was left, and what becomes of what is under way in one
 * that was put back. */
#include "support/test.h"

#include "support/store_world.h"

#include "support/journal_world.h"

#include <sys/wait.h>

static char *age_path(void)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/age", dir);
    return path;
}

static struct store *open_counted(void)
{
    struct store *store = open_well();
    (void)count_boot(store);
    return store;
}

static int64_t age_of_file(void)
{
    char text[128] = "";
    assert_int_equal(read_bytes(age_path(), text, sizeof text - 1), 65);
    return strtoll(text + 33, NULL, 10);
}

static void the_file_counts_with_the_database_and_is_private(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_counted();
    assert_int_equal(age_of_file(), 0);

    int64_t id = begin_creation(store, 1);
    assert_int_equal(age_of_file(), 1);
    end_operation(store, id, true);

    assert_int_equal(age_of_file(), 3);
    assert_int_equal(ask(store, "SELECT count FROM age"), 3);
    struct stat info;
    assert_int_equal(stat(age_path(), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void what_was_killed_is_gone_on_with(void **state)
{
    (void)state;
    store_close(open_counted());
    pid_t child = fork();
    if (child == 0) {
        struct lodge_error err = {0};
        struct store *store = store_open(dir, &err);
        (void)begin_creation(store, 1);
        end_operation(store, begin_creation(store, 2), false);
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    AUTO(store_close) struct store *store = open_well();

    expect_journal(store, 1, 0, 1);
    assert_null(store_note(store));
}

static void a_file_that_lags_is_no_copy_put_back(void **state)
{
    (void)state;
    char before[128];
    struct store *store = open_counted();
    size_t length = read_bytes(age_path(), before, sizeof before);
    (void)begin_creation(store, 1);
    store_close(store);
    write_bytes(age_path(), before, length); /* a power cut took what came after */

    AUTO(store_close) struct store *again = open_well();

    expect_journal(again, 1, 0, 0);
    assert_null(store_note(again));
    assert_int_equal(age_of_file(), 1);
}

static void what_is_under_way_in_a_copy_put_back_is_left_alone(void **state)
{
    (void)state;
    struct store *store = open_counted();
    int64_t id = begin_creation(store, 1);
    end_operation(store, begin_creation(store, 2), false);
    copy_database();
    end_operation(store, id, true);
    store_close(store);
    put_copy_back();

    AUTO(store_close) struct store *old = open_well();

    expect_journal(old, 1, 1, 0);
    assert_non_null(strstr(store_note(old), "was put back from a copy"));
    assert_int_equal(ask(old, "SELECT count(*) FROM audit WHERE method = 'server.restored'"), 1);
    store_close(TAKE(old));
    AUTO(store_close) struct store *again = open_well(); /* and after another start */
    expect_journal(again, 1, 1, 0);
    assert_non_null(store_note(again));
    end_operation(again, id, true);
    store_close(TAKE(again));
    AUTO(store_close) struct store *later = open_well();
    assert_null(store_note(later)); /* nothing of it is left */
    assert_int_equal(ask(later, "SELECT count(*) FROM audit WHERE method = 'server.restored'"), 1);
}

static void what_begins_after_a_copy_was_put_back_is_gone_on_with(void **state)
{
    (void)state;
    struct store *store = open_counted();
    copy_database();
    end_operation(store, begin_creation(store, 1), true);
    store_close(store);
    put_copy_back();
    AUTO(store_close) struct store *old = open_counted();
    (void)begin_creation(old, 2);
    store_close(TAKE(old));

    AUTO(store_close) struct store *again = open_well();

    expect_journal(again, 1, 0, 0);
}

static void a_copy_in_a_directory_that_never_saw_it_is_put_back(void **state)
{
    (void)state;
    struct store *store = open_counted();
    (void)begin_creation(store, 1);
    store_close(store);
    assert_int_equal(unlink(age_path()), 0);

    AUTO(store_close) struct store *elsewhere = open_well();

    expect_journal(elsewhere, 1, 1, 0);
    assert_non_null(store_note(elsewhere));
}

static void a_database_of_another_installation_is_put_back(void **state)
{
    (void)state;
    struct store *store = open_counted();
    (void)begin_creation(store, 1);
    store_close(store);
    assert_int_equal(foreign("UPDATE meta SET installation = '0123456789abcdef0123456789abcdef'"),
                     SQLITE_OK);

    AUTO(store_close) struct store *other = open_well();

    expect_journal(other, 1, 1, 0);
    char text[128] = "";
    (void)read_bytes(age_path(), text, sizeof text - 1);
    assert_memory_equal(text, "0123456789abcdef0123456789abcdef 0", 34);
}

static void a_file_that_says_nothing_is_no_reason_to_undo(void **state)
{
    (void)state;
    static const char *const bad[] = {"nonsense", "00112233445566778899aabbccddeeff 1 1\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        AUTO(store_close) struct store *store = open_counted();
        int64_t id = begin_creation(store, 1);
        store_close(TAKE(store));
        write_bytes(age_path(), bad[i], strlen(bad[i]));

        AUTO(store_close) struct store *again = open_well();

        expect_journal(again, 1, 1, 0);
        end_operation(again, id, false);
    }
}

static void a_fresh_database_was_put_back_from_nowhere(void **state)
{
    (void)state;
    struct store *store = open_counted();
    (void)begin_creation(store, 1);
    store_close(store);
    assert_int_equal(unlink(file), 0);

    AUTO(store_close) struct store *fresh = open_well();

    assert_null(store_note(fresh));
}

static void the_count_of_starts_never_goes_back(void **state)
{
    (void)state;
    struct store *store = open_counted();
    copy_database();
    assert_int_equal(count_boot(store), 2);
    assert_int_equal(count_boot(store), 3);
    store_close(store);
    put_copy_back();

    AUTO(store_close) struct store *old = open_well();

    assert_null(store_note(old)); /* nothing was done since */
    assert_int_equal(count_boot(old), 4);
}

static void what_the_hosts_show_leaves_all_alone_and_numbers_go_on_after_it(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_counted();
    assert_true(store_leave_all(store, 40, &err));
    assert_int_equal(begin_creation(store, 1), 41);
    end_operation(store, begin_creation(store, 2), false);
    expect_journal(store, 1, 0, 1);

    assert_true(store_leave_all(store, 57, &err));

    expect_journal(store, 1, 1, 0);
    assert_int_equal(begin_creation(store, 3), 58);
    assert_true(store_leave_all(store, 3, &err));
    assert_int_equal(begin_creation(store, 4), 59);
}

static void an_undone_creation_that_came_to_life_is_guarded_no_more(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_counted();
    int64_t id = begin_creation(store, 1);
    end_operation(store, id, false);
    expect_journal(store, 0, 0, 1);

    assert_true(store_leave_op(store, id, &err));

    expect_journal(store, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(the_file_counts_with_the_database_and_is_private),
        IN_DIR(what_was_killed_is_gone_on_with),
        IN_DIR(a_file_that_lags_is_no_copy_put_back),
        IN_DIR(what_is_under_way_in_a_copy_put_back_is_left_alone),
        IN_DIR(what_begins_after_a_copy_was_put_back_is_gone_on_with),
        IN_DIR(a_copy_in_a_directory_that_never_saw_it_is_put_back),
        IN_DIR(a_database_of_another_installation_is_put_back),
        IN_DIR(a_file_that_says_nothing_is_no_reason_to_undo),
        IN_DIR(a_fresh_database_was_put_back_from_nowhere),
        IN_DIR(the_count_of_starts_never_goes_back),
        IN_DIR(what_the_hosts_show_leaves_all_alone_and_numbers_go_on_after_it),
        IN_DIR(an_undone_creation_that_came_to_life_is_guarded_no_more),
    };
    return cmocka_run_group_tests_name("age", tests, NULL, NULL);
}
