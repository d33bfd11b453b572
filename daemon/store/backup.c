/* backup: a consistent copy of the database, made on a connection of its own while writers go on:
 * WAL gives a reader the state of the moment it began. What is under way in it is marked, for it
 * will have ended otherwise by the time that somebody puts the copy back. */
#include "memory.h"
#include "store/copies.h"
#include "store/ops.h"
#include "store/put_back.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool fail_backup(sqlite3 *db, const char *path, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "the backup %s could not be made: %s",
                      path, db == NULL ? "out of memory" : sqlite3_errmsg(db));
}

static bool fail_backup_file(const char *path, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "the backup %s could not be written: %s",
                      path, strerror(errno));
}

/* Until settle() the copy is a file that nobody knows yet: it is made without a single fsync of its
 * own. Each would be in the way of the writers', who share the disk's. */
#define CARELESS "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF"

/* VACUUM INTO reads in one transaction, and writes as carefully as its connection would. It takes a
 * file that is there if that is empty. */
static bool copy_to(const char *from, const char *to, struct lodge_error *err)
{
    AUTO(sqlite3_close_v2) sqlite3 *db = NULL;
    sqlite3_stmt *vacuum = NULL;
    if (sqlite3_open_v2(from, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &vacuum, NULL) != SQLITE_OK) {
        return fail_backup(db, to, err);
    }
    sqlite3_busy_timeout(db, 5000);
    sqlite3_bind_text(vacuum, 1, to, -1, SQLITE_STATIC);
    int code = sqlite3_step(vacuum);
    sqlite3_finalize(vacuum);
    return code == SQLITE_DONE || fail_backup(db, to, err);
}

/* The first schema has no operations that could be undone, and nothing to mark them with. */
static bool mark_unfinished(const char *path, struct lodge_error *err)
{
    AUTO(sqlite3_close_v2) sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, CARELESS, NULL, NULL, NULL) != SQLITE_OK) {
        return fail_backup(db, path, err);
    }
    bool can_mark = sqlite3_table_column_metadata(db, "main", "op", "restored", NULL, NULL, NULL,
                                                  NULL, NULL) == SQLITE_OK;
    return !can_mark || sqlite3_exec(db, OPS_LEAVE_ALONE, NULL, NULL, NULL) == SQLITE_OK ||
           fail_backup(db, path, err);
}

/* Under its name only when it is whole, and on disk. */
static bool settle(int fd, const char *part, const char *path, int64_t *ret_bytes,
                   struct lodge_error *err)
{
    struct stat info;
    AUTO(free) char *dir = xstrdup(path);
    if (fsync(fd) != 0 || fstat(fd, &info) != 0 || rename(part, path) != 0 ||
        !copies_sync(dirname(dir))) {
        return fail_backup_file(path, err);
    }
    *ret_bytes = info.st_size;
    return true;
}

bool copies_make(const char *from, const char *path, int64_t *ret_bytes, struct lodge_error *err)
{
    AUTO(free) char *part = xasprintf("%s.part", path);
    (void)unlink(part);
    AUTO(fd_close) int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_backup_file(path, err);
    }
    if (!copy_to(from, part, err) || !mark_unfinished(part, err) ||
        !settle(fd, part, path, ret_bytes, err)) {
        (void)unlink(part);
        return false;
    }
    return true;
}

bool store_make_backup(struct store *store, int64_t now_ms, char **ret_path, int64_t *ret_bytes,
                       struct lodge_error *err)
{
    AUTO(free) char *stamp = copies_stamp(now_ms);
    AUTO(free) char *path = xasprintf("%s.backup-%s", store->path, stamp);
    AUTO(free) char *dir = xstrdup(store->path);
    if (!copies_make(store->path, path, ret_bytes, err)) {
        return false;
    }
    copies_prune(dirname(dir), COPY_BACKUP, path, NULL);
    *ret_path = TAKE(path);
    return true;
}
