/*
 * database: what every file of this folder stands on, and which itself calls none of them: a
 * connection (struct store) with the mutex around it, and what SQLite's errors mean to people.
 *
 * The store owns its connection; whoever wants to use it takes the lock, which only threads that
 * may block do. `trouble` alone is read without. The file's inode is compared each time that the
 * lock is taken: one that was moved away is noticed at once.
 */
#include "store/database.h"

#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* --- trouble ---------------------------------------------------------------------------------- */

/* "the database PATH <what>: <help>" */
static const struct {
    const char *what;
    const char *help;
} trouble_words[TROUBLES] = {
    [TROUBLE_GONE] = {"was moved or deleted while lodged runs", "put it back, or restart lodged"},
    [TROUBLE_READONLY] = {"cannot be written",
                          "let lodged's user write to the file, its directory and its file system"},
    [TROUBLE_FULL] = {"is on a full disk", "make room, lodged goes on by itself"},
    [TROUBLE_CORRUPT] = {"is damaged",
                         "stop lodged, put a backup in its place (lodged --restore FILE) or move "
                         "the file away, start lodged"},
    [TROUBLE_LOCKED] = {"is locked by another program", "close that one"},
    [TROUBLE_OTHER] = {"does not work", "look at the file system it is on"},
};

static enum trouble trouble_meant(int code, int system_error)
{
    if (system_error == ENOSPC || system_error == EDQUOT) {
        return TROUBLE_FULL;
    }
    if (code == SQLITE_READONLY_DBMOVED) {
        return TROUBLE_GONE;
    }
    switch (code & 0xff) {
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return TROUBLE_READONLY;
    case SQLITE_FULL:
        return TROUBLE_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TROUBLE_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TROUBLE_LOCKED;
    default:
        return system_error == EROFS ? TROUBLE_READONLY : TROUBLE_OTHER;
    }
}

bool database_fail_as(struct store *store, enum trouble trouble, const char *detail,
                      struct lodge_error *err)
{
    atomic_store(&store->main->trouble, store->main->texts[trouble]);
    return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "%s%s%s%s", store->main->texts[trouble],
                      detail == NULL ? "" : " (", detail == NULL ? "" : detail,
                      detail == NULL ? "" : ")");
}

bool database_fail(struct store *store, int code, struct lodge_error *err)
{
    int system_error = (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(store->db) : 0;
    return database_fail_as(store, trouble_meant(code, system_error), sqlite3_errmsg(store->db),
                            err);
}

bool database_fail_system(struct store *store, const char *path, int error, struct lodge_error *err)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return database_fail_as(store, TROUBLE_READONLY, strerror(error), err);
    case ENOSPC:
    case EDQUOT:
        return database_fail_as(store, TROUBLE_FULL, strerror(error), err);
    default:
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot open %s: %s", path,
                          strerror(error));
    }
}

void database_well(struct store *store)
{
    atomic_store(&store->main->trouble, NULL);
}

/* --- life ------------------------------------------------------------------------------------- */

struct store *database_new(struct store *main, const char *path)
{
    struct store *store = xcalloc(1, sizeof *store);
    store->main = main == NULL ? store : main;
    pthread_mutex_init(&store->lock, NULL);
    store->path = xstrdup(path);
    store->age_fd = -1;
    for (int i = 0; main == NULL && i < TROUBLES; i++) {
        store->texts[i] =
            xasprintf("the database %s %s: %s", path, trouble_words[i].what, trouble_words[i].help);
    }
    return store;
}

void database_free(struct store *store)
{
    for (int i = 0; i < TROUBLES; i++) {
        free(store->texts[i]);
    }
    pthread_mutex_destroy(&store->lock);
    free(store->put_back_text);
    free(store->path);
    free(store);
}

/* --- the lock and simple questions ------------------------------------------------------------ */

bool database_enter(struct store *store, struct lodge_error *err)
{
    pthread_mutex_lock(&store->lock);
    struct stat info;
    if (stat(store->path, &info) != 0 || info.st_dev != store->device ||
        info.st_ino != store->inode) {
        database_fail_as(store, TROUBLE_GONE, NULL, err);
        pthread_mutex_unlock(&store->lock);
        return false;
    }
    return true;
}

void database_leave(struct store *store)
{
    pthread_mutex_unlock(&store->lock);
}

int64_t database_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *statement_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text == NULL ? "" : (const char *)text;
}

bool database_run(struct store *store, const char *sql, struct lodge_error *err)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || database_fail(store, code, err);
}

/* Prepares a question and steps to its first row; NULL on failure. */
static sqlite3_stmt *ask_first_row(struct store *store, const char *sql, struct lodge_error *err)
{
    AUTO(sqlite3_finalize) sqlite3_stmt *question = NULL;
    int code = sqlite3_prepare_v2(store->db, sql, -1, &question, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(question);
    }
    if (code != SQLITE_ROW) {
        database_fail(store, code, err);
        return NULL;
    }
    return TAKE(question);
}

bool database_ask_int(struct store *store, const char *sql, int64_t *ret_value,
                      struct lodge_error *err)
{
    AUTO(sqlite3_finalize) sqlite3_stmt *answer = ask_first_row(store, sql, err);
    if (answer == NULL) {
        return false;
    }
    *ret_value = sqlite3_column_int64(answer, 0);
    return true;
}

bool database_ask_text(struct store *store, const char *sql, char **ret_text,
                       struct lodge_error *err)
{
    AUTO(sqlite3_finalize) sqlite3_stmt *answer = ask_first_row(store, sql, err);
    if (answer == NULL) {
        return false;
    }
    *ret_text = xstrdup(statement_text(answer, 0));
    return true;
}
