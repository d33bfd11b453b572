/* copies: what lies beside the database: marked, private from the first byte, and bounded. */
#include "support/test.h"

#include "store/copies.h"
#include "store/migrate.h"
#include "support/store_world.h"

#include "support/journal_world.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define DAY_MS INT64_C(86400000)

static char *back_up_at(struct store *store, int64_t at_ms)
{
    struct lodge_error err = {0};
    char *path = NULL;
    int64_t bytes = 0;
    if (!store_make_backup(store, at_ms, &path, &bytes, &err)) {
        fail_msg("%s", err.message);
    }
    return path;
}

static bool is_there(const char *name)
{
    char path[192];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return lstat(path, &info) == 0;
}

static void make_there(const char *name)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    write_bytes(path, "mine", 4);
}

static size_t count_called(const char *beginning)
{
    size_t count = 0;
    DIR *list = opendir(dir);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        count += strncmp(entry->d_name, beginning, strlen(beginning)) == 0;
    }
    closedir(list);
    return count;
}

static int64_t count_in(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    sqlite3_close(db);
    return count;
}

static void a_backup_marks_what_is_unfinished_and_what_was_undone(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    (void)begin_creation(store, 1);
    end_operation(store, begin_creation(store, 2), false);
    end_operation(store, begin_creation(store, 3), true);

    AUTO(free) char *path = back_up_at(store, DAY_MS);

    assert_string_equal(strrchr(path, '/'), "/lodge.db.backup-19700102T000000.000");
    assert_int_equal(count_in(path, "SELECT count(*) FROM op WHERE restored = 1"), 2);
    assert_int_equal(
        count_in(path, "SELECT count(*) FROM op WHERE restored = 0 AND state = 'done'"), 1);
    expect_journal(store, 1, 0, 1); /* and not in the database itself */
}

static void the_copy_before_a_migration_is_marked_too(void **state)
{
    (void)state;
    struct lodge_error err = {0};
    char path[128];
    struct migration list[16];
    AUTO(store_close) struct store *store = open_well();
    (void)begin_creation(store, 1);
    end_operation(store, begin_creation(store, 2), false);
    memcpy(list, migrations, migration_count * sizeof list[0]);
    list[migration_count] = (struct migration){"9999-more.sql", "CREATE TABLE more (a INTEGER)"};

    assert_true(migrate(store, list, migration_count + 1, &err));

    snprintf(path, sizeof path, "%s.schema-%zu.bak", file, migration_count);
    assert_int_equal(count_in(path, "SELECT count(*) FROM op WHERE restored = 1"), 2);
    assert_int_equal(count_in(path, "PRAGMA user_version"), migration_count);
    expect_journal(store, 1, 0, 1);
}

struct noticed {
    unsigned created;
    unsigned changed; /* its mode or owner, after that */
};

/* What has happened in the directory to files whose names end so. */
static struct noticed read_notices(int inotify, const char *ending)
{
    static char buffer[1 << 16] __attribute__((aligned(8)));
    struct noticed noticed = {0};
    ssize_t length = 0;
    while ((length = read(inotify, buffer, sizeof buffer)) > 0) {
        for (char *at = buffer; at < buffer + length;) {
            const struct inotify_event *event = (const void *)at;
            size_t name = strlen(event->name);
            size_t end = strlen(ending);
            if (name > end && strcmp(event->name + name - end, ending) == 0) {
                noticed.created += (event->mask & IN_CREATE) != 0;
                noticed.changed += (event->mask & IN_ATTRIB) != 0;
            }
            at += sizeof *event + event->len;
        }
    }
    return noticed;
}

/* Whoever opens a file in its first moment may read it for ever. */
static void a_backup_has_its_mode_from_its_creation(void **state)
{
    (void)state;
    struct stat info;
    AUTO(store_close) struct store *store = open_well();
    AUTO(fd_close) int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(inotify_add_watch(inotify, dir, IN_CREATE | IN_ATTRIB) >= 0);
    mode_t before = umask(0);

    AUTO(free) char *path = back_up_at(store, DAY_MS);

    umask(before);
    struct noticed noticed = read_notices(inotify, ".part");
    assert_int_equal(noticed.created, 1);
    assert_int_equal(noticed.changed, 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

/* Looks at everything that comes, as often as it can, until it is told to stop. */
struct watcher {
    atomic_bool over;
    unsigned seen;
    unsigned open_to_others;
};

static void *watch(void *data)
{
    struct watcher *watcher = data;
    while (!atomic_load(&watcher->over)) {
        DIR *list = opendir(dir);
        for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
            struct stat info;
            if (strncmp(entry->d_name, "lodge.db.", 9) == 0 &&
                fstatat(dirfd(list), entry->d_name, &info, 0) == 0) {
                watcher->seen++;
                watcher->open_to_others += (info.st_mode & 077) != 0;
            }
        }
        closedir(list);
    }
    return NULL;
}

static void a_backup_is_never_open_to_others(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    assert_int_equal(foreign("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                             " WHERE i < 20000) INSERT INTO user SELECT i, 'viewer' FROM n"),
                     SQLITE_OK);
    struct watcher watcher = {false};
    pthread_t thread;
    mode_t before = umask(0);
    assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);

    for (int i = 0; i < 16; i++) {
        free(back_up_at(store, i * DAY_MS));
    }

    atomic_store(&watcher.over, true);
    pthread_join(thread, NULL);
    umask(before);
    assert_true(watcher.seen > 0);
    assert_int_equal(watcher.open_to_others, 0);
}

static void the_newest_backups_stay_and_nothing_of_another_name_goes(void **state)
{
    (void)state;
    static const char *const strangers[] = {
        "lodge.db.backup-",
        "lodge.db.backup-latest",
        "lodge.db.backup-19700101T000000.000.gz",
        "lodge.db.backup-19700101T000000.0000",
        "lodge.db.backup-19700101t000000.000",
        "lodge.db.schema-.bak",
        "lodge.db.schema-3.bak.old",
        "lodge.db.replaced",
        "lodge.db.old",
        "xlodge.db.backup-19700101T000000.000",
    };
    char path[128];
    AUTO(store_close) struct store *store = open_well();
    for (size_t i = 0; i < ARRAY_LENGTH(strangers); i++) {
        make_there(strangers[i]);
    }
    snprintf(path, sizeof path, "%s.backup-19690101T000000.000", file);
    assert_int_equal(mkdir(path, 0700), 0); /* of our naming, but no file */
    snprintf(path, sizeof path, "%s.backup-19690102T000000.000", file);
    assert_int_equal(symlink("/dev/null", path), 0);

    for (int day = 1; day <= 12; day++) {
        free(back_up_at(store, day * DAY_MS));
    }

    for (size_t i = 0; i < ARRAY_LENGTH(strangers); i++) {
        if (!is_there(strangers[i])) {
            fail_msg("%s is gone", strangers[i]);
        }
    }
    assert_true(is_there("lodge.db.backup-19690101T000000.000"));
    assert_true(is_there("lodge.db.backup-19690102T000000.000"));
    assert_false(is_there("lodge.db.backup-19700105T000000.000"));
    assert_true(is_there("lodge.db.backup-19700106T000000.000"));
    assert_true(is_there("lodge.db.backup-19700113T000000.000"));
}

static void a_backup_that_was_just_made_stays_whatever_the_clock_says(void **state)
{
    (void)state;
    AUTO(store_close) struct store *store = open_well();
    for (int day = 100; day < 110; day++) {
        free(back_up_at(store, day * DAY_MS));
    }

    AUTO(free) char *path = back_up_at(store, DAY_MS); /* the clock went back */

    assert_int_equal(access(path, R_OK), 0);
    assert_true(count_called("lodge.db.backup-") <= COPIES_KEPT + 1);
}

static void migrations_copies_are_counted_by_their_number(void **state)
{
    (void)state;
    for (int schema = 1; schema <= 12; schema++) {
        char name[64];
        snprintf(name, sizeof name, "lodge.db.schema-%d.bak", schema);
        make_there(name);
    }

    copies_prune(dir, COPY_MIGRATION, "lodge.db.schema-2.bak", NULL);

    assert_false(is_there("lodge.db.schema-1.bak"));
    assert_true(is_there("lodge.db.schema-2.bak"));
    assert_false(is_there("lodge.db.schema-4.bak"));
    assert_true(is_there("lodge.db.schema-5.bak"));
    assert_true(is_there("lodge.db.schema-12.bak"));
}

static void what_a_kill_left_unfinished_is_gone_after_the_next_start(void **state)
{
    (void)state;
    make_there("lodge.db.backup-19700101T000000.000.part");
    make_there("lodge.db.schema-3.bak.part");
    make_there("lodge.db.restore.part");
    make_there("lodge.db.restore.part-wal");
    make_there("lodge.db.part");
    make_there("mine.part");

    store_close(open_well());

    assert_false(is_there("lodge.db.backup-19700101T000000.000.part"));
    assert_false(is_there("lodge.db.schema-3.bak.part"));
    assert_false(is_there("lodge.db.restore.part"));
    assert_false(is_there("lodge.db.restore.part-wal"));
    assert_true(is_there("lodge.db.part"));
    assert_true(is_there("mine.part"));
}

/* A file may not grow past a few pages: what a full disk does, without one. */
static void a_full_disk_leaves_nothing_of_a_backup(void **state)
{
    (void)state;
    store_close(open_well());
    assert_int_equal(foreign("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                             " WHERE i < 20000) INSERT INTO user SELECT i, 'viewer' FROM n"),
                     SQLITE_OK);
    pid_t child = fork();
    if (child == 0) {
        struct lodge_error err = {0};
        const struct rlimit limit = {40000, 40000};
        char *path = NULL;
        int64_t bytes = 0;
        signal(SIGXFSZ, SIG_IGN);
        struct store *store = store_open(dir, &err);
        bool full = store != NULL && setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                    !store_make_backup(store, DAY_MS, &path, &bytes, &err) &&
                    err.kind == LODGE_ERROR_STORE_UNAVAILABLE;
        _exit(full ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_called("lodge.db.backup-"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(a_backup_marks_what_is_unfinished_and_what_was_undone),
        IN_DIR(the_copy_before_a_migration_is_marked_too),
        IN_DIR(a_backup_has_its_mode_from_its_creation),
        IN_DIR(a_backup_is_never_open_to_others),
        IN_DIR(the_newest_backups_stay_and_nothing_of_another_name_goes),
        IN_DIR(a_backup_that_was_just_made_stays_whatever_the_clock_says),
        IN_DIR(migrations_copies_are_counted_by_their_number),
        IN_DIR(what_a_kill_left_unfinished_is_gone_after_the_next_start),
        IN_DIR(a_full_disk_leaves_nothing_of_a_backup),
    };
    return cmocka_run_group_tests_name("copies", tests, NULL, NULL);
}
