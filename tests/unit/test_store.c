#include "support/test.h"

#include "support/store_world.h"

#include <sys/wait.h>

static void expect_refusal(const char *expected)
{
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = store_open(dir, &err);
    assert_null(store);
    assert_int_equal(err.kind, LODGE_ERROR_STORE_UNAVAILABLE);
    if (strstr(err.message, expected) == NULL || strstr(err.message, dir) == NULL) {
        fail_msg("expected '%s' about %s in '%s'", expected, dir, err.message);
    }
}

/* --- opening -----------------------------------------------------------------------------------
 */

static void a_fresh_store_is_private_and_counts_its_first_boot(void **state)
{
    (void)state;

    AUTO(store_close) struct store *store = open_well();

    struct stat info;
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(strlen(store_installation(store)), 32);
    assert_int_equal(count_boot(store), 1);
    assert_null(store_trouble(store));
    assert_int_equal(ask(store, "PRAGMA synchronous"), 2);
    assert_int_equal(ask(store, "PRAGMA foreign_keys"), 1);
    assert_int_equal(ask(store, "SELECT count(*) FROM pragma_journal_mode "
                                "WHERE journal_mode = 'wal'"),
                     1);
}

static void a_reopened_store_counts_on_and_is_the_same_installation(void **state)
{
    (void)state;
    char installation[33];
    struct store *store = open_well();
    snprintf(installation, sizeof installation, "%s", store_installation(store));
    assert_int_equal(count_boot(store), 1);
    store_close(store);

    AUTO(store_close) struct store *again = open_well();

    assert_string_equal(store_installation(again), installation);
    assert_int_equal(count_boot(again), 2);
    AUTO(free) char *backup = NULL;
    assert_true(asprintf(&backup, "%s.schema-1.bak", file) > 0);
    assert_int_not_equal(access(backup, F_OK), 0); /* nothing was migrated */
}

static void a_boot_that_was_counted_survives_a_sudden_death(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct lodge_error err = {0};
        int64_t boot = 0;
        struct store *store = store_open(dir, &err);
        _exit(store != NULL && store_count_boot(store, &boot, &err) ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    AUTO(store_close) struct store *store = open_well();

    assert_int_equal(count_boot(store), 2);
}

static void a_directory_that_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_int_equal(rmdir(dir), 0);

    expect_refusal("No such file or directory");

    assert_int_equal(mkdir(dir, 0700), 0);
}

static void a_read_only_directory_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(dir, 0555), 0);
    bool root = geteuid() == 0;
    if (root) {
        assert_int_equal(seteuid(65534), 0); /* root may write anywhere */
    }

    expect_refusal("cannot be written");

    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(chmod(dir, 0700), 0);
}

static void a_newer_schema_is_refused_and_its_file_untouched(void **state)
{
    (void)state;
    store_close(open_well());
    /* and written by an SQLite that knows words which ours does not */
    assert_int_equal(foreign("PRAGMA user_version = 99; PRAGMA writable_schema = ON; "
                             "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', 'STRICTER')"),
                     SQLITE_OK);
    static char before[1 << 18];
    static char after[1 << 18];
    size_t size = read_bytes(file, before, sizeof before);

    expect_refusal("has schema 99, this lodged knows up to");

    assert_int_equal(read_bytes(file, after, sizeof after), size);
    assert_memory_equal(before, after, size);
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'x', sizeof text);
    write_bytes(file, text, sizeof text);

    expect_refusal("is damaged");

    char after[8192];
    assert_int_equal(read_bytes(file, after, sizeof after), sizeof text);
    assert_memory_equal(text, after, sizeof text);
}

static void a_damaged_page_is_found_at_open(void **state)
{
    (void)state;
    store_close(open_well());
    static char bytes[1 << 18];
    size_t size = read_bytes(file, bytes, sizeof bytes);
    memset(bytes + size - 4096, 0xa5, 4096); /* a page that opening has no use for */
    write_bytes(file, bytes, size);

    expect_refusal("is damaged");
}

static void the_database_of_another_program_is_refused(void **state)
{
    (void)state;
    assert_int_equal(foreign("CREATE TABLE bookmark (url TEXT)"), SQLITE_OK);

    expect_refusal("is another program's");
}

/* --- trouble while it runs ----------------------------------------------------------------------
 */

static void a_file_that_is_moved_away_is_trouble_until_it_is_back(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    int64_t boot = 0;
    char elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s.moved", file);
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(rename(file, elsewhere), 0);

    assert_false(store_count_boot(store, &boot, &err));

    assert_int_equal(err.kind, LODGE_ERROR_STORE_UNAVAILABLE);
    assert_non_null(strstr(err.message, "was moved or deleted"));
    assert_non_null(strstr(store_trouble(store), file));
    assert_int_equal(rename(elsewhere, file), 0);
    assert_int_equal(count_boot(store), 1);
    assert_null(store_trouble(store));
}

static void a_full_disk_is_trouble_until_there_is_room(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    assert_true(database_run(store, "PRAGMA max_page_count = 1", &err)); /* no page more */
    static char target[8192];
    memset(target, 'x', sizeof target - 1);
    const struct audit_row row = {.method = "vm.stop", .target = target};

    assert_false(store_add_audit(store, &row, 1, &err));

    assert_int_equal(err.kind, LODGE_ERROR_STORE_UNAVAILABLE);
    assert_non_null(strstr(err.message, "is on a full disk: make room"));
    assert_non_null(store_trouble(store));
    err = (struct lodge_error){0};
    assert_true(database_run(store, "PRAGMA max_page_count = 100000", &err));
    assert_true(store_add_audit(store, &row, 1, &err));
    assert_null(store_trouble(store));
}

/* --- the lock -----------------------------------------------------------------------------------
 */

static void a_second_holder_is_refused_and_told_who_the_first_is(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    char pid[32];
    char below[128];
    snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
    snprintf(below, sizeof below, "%s/made/on/the/way", dir);
    int first = -1;
    int second = -1;
    assert_true(store_lock_directory(below, &first, &err));
    struct stat info;
    assert_int_equal(stat(below, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);

    assert_false(store_lock_directory(below, &second, &err));

    assert_int_equal(err.kind, LODGE_ERROR_BUSY);
    assert_non_null(strstr(err.message, pid));
    assert_non_null(strstr(err.message, below));
    assert_int_equal(second, -1);
    close(first);
    err = (struct lodge_error){0};
    assert_true(store_lock_directory(below, &second, &err));
    close(second);
}

static void a_state_directory_below_a_file_is_refused(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    char below[128];
    int fd = -1;
    write_bytes(file, "", 0);
    snprintf(below, sizeof below, "%s/state", file);

    assert_false(store_lock_directory(below, &fd, &err));

    assert_int_equal(err.kind, LODGE_ERROR_STORE_UNAVAILABLE);
    assert_non_null(strstr(err.message, "Not a directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_fresh_store_is_private_and_counts_its_first_boot),
        IN_DIR(a_reopened_store_counts_on_and_is_the_same_installation),
        IN_DIR(a_boot_that_was_counted_survives_a_sudden_death),
        IN_DIR(a_directory_that_is_not_there_is_refused),
        IN_DIR(a_read_only_directory_is_refused),
        IN_DIR(a_newer_schema_is_refused_and_its_file_untouched),
        IN_DIR(a_file_that_is_no_database_is_refused_and_kept),
        IN_DIR(a_damaged_page_is_found_at_open),
        IN_DIR(the_database_of_another_program_is_refused),
        IN_DIR(a_file_that_is_moved_away_is_trouble_until_it_is_back),
        IN_DIR(a_full_disk_is_trouble_until_there_is_room),
        IN_DIR(a_second_holder_is_refused_and_told_who_the_first_is),
        IN_DIR(a_state_directory_below_a_file_is_refused),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
