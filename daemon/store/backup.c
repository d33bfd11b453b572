/* backup: a consistent copy of the database, made on a connection of its own while writers go on:
 * WAL gives a reader the state of the moment it began. */
#include "memory.h"
#include "store/database.h"
#include "store/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static bool fail(sqlite3 *db, const char *path, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "the backup %s could not be made: %s",
                      path, db == NULL ? "out of memory" : sqlite3_errmsg(db));
}

static void db_close(sqlite3 *db)
{
    sqlite3_close_v2(db);
}
DEFINE_AUTO(sqlite3 *, db_close, NULL);

/* Until settle() the copy is a file that nobody knows yet: it is made without a single fsync of its
 * own. Each would be in the way of the writers', who share the disk's. */
#define CARELESS "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF"

/* VACUUM INTO reads in one transaction, and writes as carefully as its connection would. */
static bool copy_to(const char *from, const char *to, struct lodge_error *err)
{
    AUTO(db_close) sqlite3 *db = NULL;
    sqlite3_stmt *vacuum = NULL;
    if (sqlite3_open_v2(from, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &vacuum, NULL) != SQLITE_OK) {
        return fail(db, to, err);
    }
    sqlite3_busy_timeout(db, 5000);
    sqlite3_bind_text(vacuum, 1, to, -1, SQLITE_STATIC);
    int code = sqlite3_step(vacuum);
    sqlite3_finalize(vacuum);
    return code == SQLITE_DONE || fail(db, to, err);
}

/* What is under way will have ended otherwise by the time that somebody puts the copy back. */
static bool mark_restored(const char *path, struct lodge_error *err)
{
    AUTO(db_close) sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, CARELESS "; UPDATE op SET restored = 1 WHERE ended_ms IS NULL", NULL, NULL,
                     NULL) != SQLITE_OK) {
        return fail(db, path, err);
    }
    return true;
}

static bool settle(const char *part, const char *path, int64_t *ret_bytes, struct lodge_error *err)
{
    AUTO(fd_close) int fd = open(part, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fchmod(fd, 0600) != 0 || fsync(fd) != 0 || fstat(fd, &info) != 0 ||
        rename(part, path) != 0) {
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE,
                          "the backup %s could not be written: %s", path, strerror(errno));
    }
    *ret_bytes = info.st_size;
    return true;
}

bool store_make_backup(struct store *store, int64_t now_ms, char **ret_path, int64_t *ret_bytes,
                       struct lodge_error *err)
{
    struct tm when;
    char stamp[32] = "";
    time_t seconds = (time_t)(now_ms / 1000);
    if (gmtime_r(&seconds, &when) != NULL) {
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &when);
    }
    AUTO(free)
    char *path = xasprintf("%s.backup-%s.%03d", store->path, stamp, (int)(now_ms % 1000));
    AUTO(free) char *part = xasprintf("%s.part", path);
    if (!copy_to(store->path, part, err) || !mark_restored(part, err) ||
        !settle(part, path, ret_bytes, err)) {
        (void)remove(part);
        return false;
    }
    *ret_path = TAKE(path);
    return true;
}
