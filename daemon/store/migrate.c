/*
 * migrate: PRAGMA user_version counts the migrations that have run. Each runs in one transaction
 * with its count, and is rolled back when it fails or leaves rows without what they refer to.
 *
 * A database that holds something is copied first, to a file beside it that is on disk before
 * anything is changed. A newer schema, or another program's database, is refused and left as it is.
 */
#include "store/migrate.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void close_database(sqlite3 *db)
{
    sqlite3_close(db);
}
DEFINE_AUTO(sqlite3 *, close_database, NULL);

/* All pages of `store` into a new file at `path`, on disk when it returns. */
static bool copy_pages(struct store *store, const char *path, struct lodge_error *err)
{
    unlink(path);
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot make %s: %s", path,
                          strerror(errno));
    }
    AUTO(close_database) sqlite3 *copy = NULL;
    int code = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        sqlite3_backup *backup = sqlite3_backup_init(copy, "main", store->db, "main");
        sqlite3_backup_step(backup, -1);
        sqlite3_backup_finish(backup);
        code = sqlite3_errcode(copy);
    }
    if (code != SQLITE_OK) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot write %s: %s", path,
                          sqlite3_errmsg(copy));
    }
    if (fsync(fd) != 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot write %s: %s", path,
                          strerror(errno));
    }
    return true;
}

/* A new name in a directory is safe only when the directory is. */
static bool sync_directory(const char *path_in_it)
{
    AUTO(free) char *path = xstrdup(path_in_it);
    AUTO(fd_close) int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

static bool back_up(struct store *store, size_t version, struct lodge_error *err)
{
    AUTO(free) char *path = xasprintf("%s.schema-%zu.bak", store->path, version);
    AUTO(free) char *unfinished = xasprintf("%s.part", path);
    if (!copy_pages(store, unfinished, err)) {
        unlink(unfinished);
        return lodge_fail_in(err, "backup before a migration");
    }
    if (rename(unfinished, path) != 0 || !sync_directory(path)) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot write %s: %s", path,
                          strerror(errno));
    }
    return true;
}

static bool run_one(struct store *store, const struct migration *migration, size_t version,
                    struct lodge_error *err)
{
    AUTO(free) char *count = xasprintf("PRAGMA user_version = %zu", version);
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    int64_t broken = 0;
    if (!database_run(store, migration->sql, err) || !database_run(store, count, err) ||
        !database_ask_int(store, "SELECT count(*) FROM pragma_foreign_key_check", &broken, err)) {
        return lodge_fail_in(err, "migration %s", migration->name);
    }
    if (broken > 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE,
                          "migration %s would leave %lld rows without what they refer to; %s is as "
                          "it was",
                          migration->name, (long long)broken, store->path);
    }
    return transaction_commit(transaction, err);
}

/* The schema's version, if this program knows it. */
static bool read_version(struct store *store, size_t count, size_t *ret_version,
                         struct lodge_error *err)
{
    int64_t version = 0;
    if (!database_ask_int(store, "PRAGMA user_version", &version, err)) {
        return false;
    }
    if (version < 0 || (uint64_t)version > count) {
        return lodge_fail(
            err, LODGE_ERROR_STORE_UNAVAILABLE,
            "the database %s has schema %lld, this lodged knows up to %zu: install the "
            "newer lodged again, or put an older backup there",
            store->path, (long long)version, count);
    }
    *ret_version = (size_t)version;
    return true;
}

bool migrate_check(struct store *store, size_t count, struct lodge_error *err)
{
    size_t version = 0;
    return read_version(store, count, &version, err);
}

bool migrate(struct store *store, const struct migration *list, size_t count,
             struct lodge_error *err)
{
    size_t version = 0;
    int64_t tables = 0;
    if (!read_version(store, count, &version, err) ||
        !database_ask_int(store, "SELECT count(*) FROM sqlite_schema", &tables, err)) {
        return false;
    }
    if (version == 0 && tables > 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE,
                          "the database %s is another program's: move it away", store->path);
    }
    if (version > 0 && version < count && !back_up(store, version, err)) {
        return false;
    }
    for (; version < count; version++) {
        if (!run_one(store, &list[version], version + 1, err)) {
            return false;
        }
    }
    return true;
}
