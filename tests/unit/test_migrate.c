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

/* An update's row as lodgeds of schema 5 have left it. */
#define SECRET "Hush-4711"
#define OLD_ROW(uuid, ended)                                                                     \
    "INSERT INTO op (kind, host, uuid, uid, state, step, started_ms, ended_ms, journal) VALUES " \
    "('vm.update', 'h1', '7b2ab29e-0000-4000-8000-00000000000" uuid "', 0, '" ended ", "         \
    "'{\"name\":\"web\",\"old_xml\":\"<domain>' || printf('%.9000c', 'x') ||"                    \
    " '<graphics passwd=''" SECRET "''/></domain>\",\"new_xml\":\"" SECRET "\",\"vcpus\":2}');"

/* How often it is in the file's bytes; 0 where there is none. */
static int count_secrets(const char *path)
{
    static char bytes[1 << 20];
    int count = 0;
    size_t length = access(path, F_OK) == 0 ? read_bytes(path, bytes, sizeof bytes) : 0;
    for (char *at = bytes;
         (at = memmem(at, length - (size_t)(at - bytes), SECRET, strlen(SECRET))) != NULL;) {
        at++;
        count++;
    }
    return count;
}

static void put_schema_5(void)
{
    char path[512];
    static char bytes[1 << 20];
    snprintf(path, sizeof path, "%s/store/schema-0005.db", getenv("LODGE_TEST_DATA"));
    write_bytes(file, bytes, read_bytes(path, bytes, sizeof bytes));
}

static void passwords_of_older_journals_are_wiped(void **state)
{
    (void)state;
    char path[512];
    put_schema_5();
    assert_int_equal(
        foreign("PRAGMA journal_mode = WAL; PRAGMA secure_delete = OFF;" OLD_ROW(
            "1", "done', 'close', 1, 2") OLD_ROW("3", "running', 'define', 1, NULL")
                    OLD_ROW("2", "done', 'close', 1, 2") "DELETE FROM op WHERE uuid LIKE '%2';"),
        SQLITE_OK);
    assert_true(count_secrets(file) > 2);

    AUTO(store_close) struct store *store = open_well();

    snprintf(path, sizeof path, "%s-wal", file);
    assert_int_equal(count_secrets(path), 0);
    assert_int_equal(count_secrets(file), 0);
    assert_int_equal(ask(store, "SELECT count(*) FROM op WHERE json_extract(journal, '$.vcpus') = 2"
                                " AND json_extract(journal, '$.name') = 'web'"),
                     2);
}

static void a_journal_that_is_no_JSON_stays_as_it_is(void **state)
{
    (void)state;
    put_schema_5();
    assert_int_equal(
        foreign(OLD_ROW("2", "done', 'close', 1, 2") "UPDATE op SET journal = 'old_xml' WHERE uuid "
                                                     "LIKE '%2'"),
        SQLITE_OK);

    AUTO(store_close) struct store *store = open_well();

    assert_int_equal(ask(store, "SELECT count(*) FROM op WHERE journal = 'old_xml'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(migrations_are_numbered_as_they_run),
        IN_DIR(a_migration_makes_a_backup_first),
        IN_DIR(a_migration_that_fails_changes_nothing),
        IN_DIR(a_database_of_each_released_schema_is_brought_up),
        IN_DIR(passwords_of_older_journals_are_wiped),
        IN_DIR(a_journal_that_is_no_JSON_stays_as_it_is),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
