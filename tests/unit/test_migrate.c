#include "support/test.h"

#include "store/migrate.h"
#include "support/store_world.h"

#include <glob.h>

/* --- migrations ---------------------------------------------------------------------------------
 */

static void migrations_are_numbered_as_they_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < migration_count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%04zu-", i + 1);
        assert_memory_equal(migrations[i].name, number, strlen(number));
    }
}

/* The migrations there are, and one more. */
static bool migrate_once_more(struct store *store, const char *sql, struct lodge_error *err)
{
    struct migration list[16];
    assert_true(migration_count < ARRAY_LENGTH(list));
    memcpy(list, migrations, migration_count * sizeof list[0]);
    list[migration_count] = (struct migration){.name = "9999-more.sql", .sql = sql};
    return migrate(store, list, migration_count + 1, err);
}

static void a_migration_makes_a_backup_first(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(count_boot(store), 1);
    char backup[128];
    snprintf(backup, sizeof backup, "%s.schema-%zu.bak", file, migration_count);

    assert_true(migrate_once_more(store, "ALTER TABLE user ADD COLUMN quota INTEGER", &err));

    assert_int_equal(ask(store, "PRAGMA user_version"), migration_count + 1);
    assert_int_equal(ask(store, "SELECT count(*) FROM pragma_table_info('user')"), 3);
    struct stat info;
    assert_int_equal(stat(backup, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    store_close(TAKE(store));
    assert_int_equal(rename(backup, file), 0); /* and it is one that works */
    AUTO(store_close) struct store *old = open_well();
    assert_int_equal(count_boot(old), 2);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    AUTO(store_close) struct store *store = open_well();

    assert_false(
        migrate_once_more(store, "CREATE TABLE more (a INTEGER) STRICT; INSERT INTO no", &err));

    assert_non_null(strstr(err.message, "migration 9999-more.sql"));
    assert_int_equal(ask(store, "PRAGMA user_version"), migration_count);
    assert_int_equal(ask(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'"), 0);
    assert_int_equal(count_boot(store), 1);
}

/* tests/data/store/schema-NNNN.db: as the last release with that schema left it. */
static void a_database_of_each_released_schema_is_brought_up(void **state)
{
    (void)state;
    char pattern[512];
    glob_t found;
    const char *data = getenv("LODGE_TEST_DATA");
    assert_non_null(data);
    snprintf(pattern, sizeof pattern, "%s/store/schema-*.db", data);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, migration_count);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        static char bytes[1 << 20];
        struct lodge_error err = {0};
        struct heard users = {""};
        struct heard vms = {""};
        char age[128];
        write_bytes(file, bytes, read_bytes(found.gl_pathv[i], bytes, sizeof bytes));
        snprintf(age, sizeof age, "%s/age", dir); /* each comes to a directory of its own */
        (void)unlink(age);

        AUTO(store_close) struct store *store = open_well();

        assert_int_equal(ask(store, "PRAGMA user_version"), migration_count);
        assert_true(store_read_users(store, hear_user, &users, &err));
        assert_true(store_read_vms(store, hear_vm, &vms, &err));
        assert_string_equal(users.text, "1000=viewer 1001=admin ");
        assert_string_equal(vms.text, "h1/web1 7b2ab29e-0000-4000-8000-000000000001 1000\n"
                                      "h2/db-2 7b2ab29e-0000-4000-8000-000000000002 1001\n");
        assert_string_equal(store_installation(store), "00112233445566778899aabbccddeeff");
        assert_int_equal(count_boot(store), 8);
    }
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(migrations_are_numbered_as_they_run),
        IN_DIR(a_migration_makes_a_backup_first),
        IN_DIR(a_migration_that_fails_changes_nothing),
        IN_DIR(a_database_of_each_released_schema_is_brought_up),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
