/* restore: lodged --restore: what it takes, what it refuses, and what a kill leaves. */
#include "support/test.h"

#include "support/restore_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static void expect_refused(const char *from, enum lodge_error_kind kind, const char *words)
{
    struct lodge_error err = {0};
    struct store_restored restored;
    assert_false(store_restore(dir, from, 5000, &restored, &err));
    if (err.kind != kind || strstr(err.message, words) == NULL) {
        fail_msg("expected '%s' in '%s' (%d)", words, err.message, (int)err.kind);
    }
    assert_int_equal(vms_now(), 3);
}

/* --- what it does -------------------------------------------------------------------------------
 */

static void a_copy_takes_the_place_of_the_database_which_is_kept(void **state)
{
    (void)state;
    make_history();

    struct store_restored restored = restore_well(copy);

    assert_string_equal(restored.path, file);
    assert_int_equal(restored.vms, 2);
    assert_int_equal(restored.under_way, 1);
    assert_false(restored.other_installation);
    assert_false(has_parts());
    struct stat info;
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_nlink, 1);
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(ask(store, "SELECT count(*) FROM vm"), 2);
    expect_journal(store, 1, 1, 0);
    assert_non_null(store_note(store));
    assert_int_equal(ask(store, "SELECT count(*) FROM audit WHERE method = 'lodged --restore'"
                                " AND target LIKE '%/copy.db' AND at_ms = 5000"),
                     1);
    store_close(TAKE(store));
    assert_int_equal(access(copy, R_OK), 0); /* and what it was made from is as it was */
    AUTO(free) char *aside = xstrdup(restored.replaced);
    store_restored_clear(&restored);
    restored = restore_well(aside); /* and back */
    assert_int_equal(restored.vms, 3);
    store_restored_clear(&restored);
    assert_int_equal(vms_now(), 3);
}

/* It goes where its database goes. */
static void the_old_log_goes_with_the_old_database(void **state)
{
    (void)state;
    make_history();
    leave_log();
    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", file);

    struct store_restored restored = restore_well(copy);

    assert_int_not_equal(access(wal, F_OK), 0);
    assert_int_equal(vms_now(), 2);
    AUTO(free) char *aside = xstrdup(restored.replaced);
    store_restored_clear(&restored);
    restored = restore_well(aside);
    assert_int_equal(restored.vms, 4); /* with what only its log had */
    store_restored_clear(&restored);
}

static void a_copy_comes_with_its_log_if_it_has_one(void **state)
{
    (void)state;
    make_history();
    char wal[176];
    char source[128];
    static char bytes[1 << 20];
    struct store *store = open_well();
    end_operation(store, begin_creation(store, 4), true); /* is in the log alone */
    write_bytes(copy, bytes, read_bytes(file, bytes, sizeof bytes));
    snprintf(source, sizeof source, "%s-wal", file);
    snprintf(wal, sizeof wal, "%s-wal", copy);
    write_bytes(wal, bytes, read_bytes(source, bytes, sizeof bytes));
    store_close(store);

    struct store_restored restored = restore_well(copy);
    assert_int_equal(restored.vms, 4);
    store_restored_clear(&restored);

    assert_int_equal(unlink(wal), 0); /* and without it, what the file has */
    restored = restore_well(copy);
    assert_int_equal(restored.vms, 3);
    store_restored_clear(&restored);
    assert_int_equal(vms_now(), 3);
}

static void a_copy_may_be_named_by_a_link_or_from_where_one_stands(void **state)
{
    (void)state;
    make_history();
    char link[176];
    char here[256];
    snprintf(link, sizeof link, "%s/latest", elsewhere);
    assert_int_equal(symlink("copy.db", link), 0);

    struct store_restored restored = restore_well(link);
    assert_int_equal(restored.vms, 2);
    store_restored_clear(&restored);

    struct stat info;
    assert_int_equal(lstat(file, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(elsewhere), 0);
    restored = restore_well("copy.db");
    assert_int_equal(restored.vms, 2);
    store_restored_clear(&restored);
    assert_int_equal(chdir(here), 0);
}

static void a_copy_goes_into_an_empty_directory(void **state)
{
    (void)state;
    make_history();
    assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(mkdir(dir, 0700), 0);

    struct store_restored restored = restore_well(copy);

    assert_null(restored.replaced);
    store_restored_clear(&restored);
    AUTO(store_close) struct store *store = open_well();
    expect_journal(store, 1, 1, 0);
}

static void a_copy_of_an_older_schema_is_brought_up_at_the_next_start(void **state)
{
    (void)state;
    make_history();
    static char bytes[1 << 20];
    for (int schema = 1; schema <= 3; schema++) {
        char path[512];
        snprintf(path, sizeof path, "%s/store/schema-000%d.db", getenv("LODGE_TEST_DATA"), schema);
        write_bytes(copy, bytes, read_bytes(path, bytes, sizeof bytes));

        struct store_restored restored = restore_well(copy);

        assert_int_equal(restored.schema, schema);
        assert_true(restored.other_installation || schema > 1);
        store_restored_clear(&restored);
        assert_int_equal(vms_now(), 2);
    }
}

static void what_was_replaced_is_bounded_and_never_what_is_put_back(void **state)
{
    (void)state;
    make_history();
    char first[160] = "";
    for (int i = 0; i < COPIES_KEPT + 3; i++) {
        struct store_restored restored = restore_well(first[0] == '\0' ? copy : first);
        if (first[0] == '\0') {
            snprintf(first, sizeof first, "%s", restored.replaced);
        }
        store_restored_clear(&restored);
    }
    size_t replaced = 0;
    DIR *list = opendir(dir);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        replaced += strncmp(entry->d_name, "lodge.db.replaced-", 18) == 0;
    }
    closedir(list);
    assert_true(replaced <= COPIES_KEPT + 1);
    assert_int_equal(access(first, R_OK), 0);
}

/* --- what it refuses ----------------------------------------------------------------------------
 */

static void what_is_no_database_of_lodges_is_refused(void **state)
{
    (void)state;
    make_history();
    static char bytes[1 << 20];
    size_t length = read_bytes(copy, bytes, sizeof bytes);
    char text[8192];
    memset(text, 'x', sizeof text);
    write_bytes(copy, text, sizeof text);
    expect_refused(copy, LODGE_ERROR_INVALID, "not a database");
    write_bytes(copy, "", 0);
    expect_refused(copy, LODGE_ERROR_INVALID, "has no schema");
    write_bytes(copy, bytes, length / 2);
    expect_refused(copy, LODGE_ERROR_INVALID, "malformed");
    memset(bytes + length - 4096, 0xa5, 4096);
    write_bytes(copy, bytes, length);
    expect_refused(copy, LODGE_ERROR_INVALID, copy);
    assert_int_equal(unlink(copy), 0);
    expect_refused(copy, LODGE_ERROR_INVALID, "No such file");
    expect_refused(elsewhere, LODGE_ERROR_INVALID, "is no file");
    assert_int_equal(mkfifo(copy, 0600), 0);
    expect_refused(copy, LODGE_ERROR_INVALID, "is no file");
    expect_refused("/dev/zero", LODGE_ERROR_INVALID, "is no file");
    assert_false(has_parts());
}

static int change_copy(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return code;
}

static void what_another_program_or_a_newer_lodged_made_is_refused(void **state)
{
    (void)state;
    make_history();
    assert_int_equal(change_copy("PRAGMA user_version = 99"), SQLITE_OK);
    expect_refused(copy, LODGE_ERROR_INVALID, "has schema 99, this lodged knows up to");
    assert_int_equal(change_copy("PRAGMA user_version = 4; DROP TABLE op_step"), SQLITE_OK);
    expect_refused(copy, LODGE_ERROR_INVALID, "lacks what its schema has");
    assert_int_equal(unlink(copy), 0);
    assert_int_equal(change_copy("CREATE TABLE bookmark (url TEXT); PRAGMA user_version = 2"),
                     SQLITE_OK);
    expect_refused(copy, LODGE_ERROR_INVALID, "lacks what its schema has");
}

static void the_database_itself_is_refused(void **state)
{
    (void)state;
    make_history();
    char link_to[176];
    snprintf(link_to, sizeof link_to, "%s/hard", elsewhere);
    expect_refused(file, LODGE_ERROR_CONFLICT, "is the database itself");
    assert_int_equal(link(file, link_to), 0);
    expect_refused(link_to, LODGE_ERROR_CONFLICT, "is the database itself");
    assert_int_equal(unlink(link_to), 0);
    assert_int_equal(symlink(file, link_to), 0);
    expect_refused(link_to, LODGE_ERROR_CONFLICT, "is the database itself");
}

static void what_may_not_be_read_is_refused(void **state)
{
    (void)state;
    make_history();
    assert_int_equal(chmod(copy, 0), 0);
    bool root = geteuid() == 0;
    struct lodge_error err = {0};
    struct store_restored restored;
    if (root) {
        assert_int_equal(chown(dir, 65534, 65534), 0);
        assert_int_equal(chmod(elsewhere, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }

    assert_false(store_restore(dir, copy, 5000, &restored, &err));

    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_non_null(strstr(err.message, "Permission denied"));
    assert_int_equal(vms_now(), 3);
}

/* A file may not grow past a few pages: what a full disk does, without one. */
static void a_full_disk_leaves_the_database_as_it_was(void **state)
{
    (void)state;
    make_history();
    pid_t child = fork();
    if (child == 0) {
        struct lodge_error err = {0};
        struct store_restored restored;
        const struct rlimit limit = {40000, 40000};
        signal(SIGXFSZ, SIG_IGN);
        bool refused = setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                       !store_restore(dir, copy, 5000, &restored, &err) &&
                       err.kind == LODGE_ERROR_STORE_UNAVAILABLE;
        _exit(refused ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(has_parts());
    assert_int_equal(vms_now(), 3);
}

/* --- a kill -------------------------------------------------------------------------------------
 */

static void a_kill_past_its_commit_is_finished_by_the_next_start(void **state)
{
    (void)state;
    make_history();
    char ready[128];
    static char bytes[1 << 20];
    snprintf(ready, sizeof ready, "%s.restore", file);
    write_bytes(ready, bytes, read_bytes(copy, bytes, sizeof bytes));

    AUTO(store_close) struct store *store = open_well();

    assert_int_equal(ask(store, "SELECT count(*) FROM vm"), 2);
    assert_int_not_equal(access(ready, F_OK), 0);
    expect_journal(store, 1, 1, 0);
}

static void a_kill_while_the_old_is_set_aside_is_gone_on_with(void **state)
{
    (void)state;
    make_history();
    char ready[128];
    static char bytes[1 << 20];
    snprintf(ready, sizeof ready, "%s.restore", file);
    write_bytes(ready, bytes, read_bytes(copy, bytes, sizeof bytes));
    struct stat info;
    assert_int_equal(stat(ready, &info), 0);
    int64_t at = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
    AUTO(free) char *stamp = copies_stamp(at);
    char aside[160];
    snprintf(aside, sizeof aside, "%s.replaced-%s", file, stamp);
    assert_int_equal(link(file, aside), 0); /* it has its second name, and its log has gone */

    assert_int_equal(vms_now(), 2);

    assert_int_equal(stat(aside, &info), 0);
    assert_int_equal(info.st_nlink, 1);
    struct store_restored restored = restore_well(aside);
    assert_int_equal(restored.vms, 3);
    store_restored_clear(&restored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOTH(a_copy_takes_the_place_of_the_database_which_is_kept),
        IN_BOTH(the_old_log_goes_with_the_old_database),
        IN_BOTH(a_copy_comes_with_its_log_if_it_has_one),
        IN_BOTH(a_copy_may_be_named_by_a_link_or_from_where_one_stands),
        IN_BOTH(a_copy_goes_into_an_empty_directory),
        IN_BOTH(a_copy_of_an_older_schema_is_brought_up_at_the_next_start),
        IN_BOTH(what_was_replaced_is_bounded_and_never_what_is_put_back),
        IN_BOTH(what_is_no_database_of_lodges_is_refused),
        IN_BOTH(what_another_program_or_a_newer_lodged_made_is_refused),
        IN_BOTH(the_database_itself_is_refused),
        IN_BOTH(what_may_not_be_read_is_refused),
        IN_BOTH(a_full_disk_leaves_the_database_as_it_was),
        IN_BOTH(a_kill_past_its_commit_is_finished_by_the_next_start),
        IN_BOTH(a_kill_while_the_old_is_set_aside_is_gone_on_with),
    };
    return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
