/*
 * store: opening and closing, the lock, and what SQLite's errors mean to people. There is one
 * connection that writes, and one for those who only read, each with a mutex around it, which only
 * threads that may block take; `trouble` alone is read without.
 *
 * Opening looks at everything (schema, health) before it changes anything. The file's inode is
 * remembered and compared at each use: one that was moved away is noticed at once.
 */
#include "store/store.h"

#include "log.h"
#include "memory.h"
#include "store/age.h"
#include "store/copies.h"
#include "store/database.h"
#include "store/migrate.h"
#include "store/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAVE_S = 2 };
enum { BUSY_MS = 5000 }; /* how long a foreign reader of the file may hold us up */

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

static enum trouble trouble_of(int code, int system_error)
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

static bool fail_with(struct store *store, enum trouble trouble, const char *detail,
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
    return fail_with(store, trouble_of(code, system_error), sqlite3_errmsg(store->db), err);
}

bool database_fail_system(struct store *store, const char *path, int error, struct lodge_error *err)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return fail_with(store, TROUBLE_READONLY, strerror(error), err);
    case ENOSPC:
    case EDQUOT:
        return fail_with(store, TROUBLE_FULL, strerror(error), err);
    default:
        return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot open %s: %s", path,
                          strerror(error));
    }
}

void database_well(struct store *store)
{
    atomic_store(&store->main->trouble, NULL);
}

const char *store_trouble(const struct store *store)
{
    return atomic_load(&store->main->trouble);
}

/* --- the lock and simple questions ------------------------------------------------------------ */

bool database_enter(struct store *store, struct lodge_error *err)
{
    pthread_mutex_lock(&store->lock);
    struct stat info;
    if (stat(store->path, &info) != 0 || info.st_dev != store->device ||
        info.st_ino != store->inode) {
        fail_with(store, TROUBLE_GONE, NULL, err);
        pthread_mutex_unlock(&store->lock);
        return false;
    }
    return true;
}

void database_leave(struct store *store)
{
    pthread_mutex_unlock(&store->lock);
}

bool database_run(struct store *store, const char *sql, struct lodge_error *err)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || database_fail(store, code, err);
}

static void finalize(sqlite3_stmt *statement)
{
    sqlite3_finalize(statement);
}
DEFINE_AUTO(sqlite3_stmt *, finalize, NULL);

/* Prepares a question and steps to its first row; NULL on failure. */
static sqlite3_stmt *ask(struct store *store, const char *sql, struct lodge_error *err)
{
    AUTO(finalize) sqlite3_stmt *question = NULL;
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
    AUTO(finalize) sqlite3_stmt *answer = ask(store, sql, err);
    if (answer == NULL) {
        return false;
    }
    *ret_value = sqlite3_column_int64(answer, 0);
    return true;
}

bool database_ask_text(struct store *store, const char *sql, char **ret_text,
                       struct lodge_error *err)
{
    AUTO(finalize) sqlite3_stmt *answer = ask(store, sql, err);
    if (answer == NULL) {
        return false;
    }
    *ret_text = xstrdup(statement_text(answer, 0));
    return true;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Makes the file for lodged's user alone and remembers which one it is; says with the kernel's
 * words why it cannot be there, where SQLite would only say that it cannot open it. The descriptor
 * is closed before SQLite has one: closing it later would drop SQLite's locks. */
static bool touch(struct store *store, int create, struct lodge_error *err)
{
    AUTO(fd_close) int fd = open(store->path, O_RDWR | create | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0) {
        store->device = info.st_dev;
        store->inode = info.st_ino;
        return true;
    }
    return database_fail_system(store, store->path, errno, err);
}

static bool check_health(struct store *store, struct lodge_error *err)
{
    AUTO(free) char *verdict = NULL;
    if (!database_ask_text(store, "PRAGMA quick_check(1)", &verdict, err)) {
        return false;
    }
    return strcmp(verdict, "ok") == 0 || fail_with(store, TROUBLE_CORRUPT, verdict, err);
}

/* Some file systems (NFS, some of FUSE) have no shared memory: SQLite then stays at "delete". */
static bool set_journal(struct store *store, struct lodge_error *err)
{
    AUTO(free) char *mode = NULL;
    if (!database_ask_text(store, "PRAGMA journal_mode = WAL", &mode, err)) {
        return false;
    }
    return strcmp(mode, "wal") == 0 ||
           fail_with(store, TROUBLE_OTHER, "its file system cannot hold a write-ahead log", err);
}

static bool read_installation(struct store *store, struct lodge_error *err)
{
    AUTO(free) char *text = NULL;
    if (!database_ask_text(store, "SELECT installation FROM meta WHERE one = 1", &text, err)) {
        return false;
    }
    memcpy(store->installation, text, sizeof store->installation);
    return true;
}

/* Debian's SQLite writes over what is removed in any case. */
#define SETTINGS "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON"

/* All is looked at before anything is changed: a newer schema or a damaged file stays as it is, its
 * log included. Foreign keys come after the migrations, which may rebuild tables. */
static bool open_all(struct store *store, int create, struct lodge_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (!touch(store, create, err)) {
        return false;
    }
    int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (code != SQLITE_OK) {
        return database_fail(store, code, err);
    }
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    bool good =
        migrate_check(store, migration_count, err) && check_health(store, err) &&
        database_run(store, SETTINGS, err) && migrate(store, migrations, migration_count, err) &&
        set_journal(store, err) && database_run(store, "PRAGMA foreign_keys = ON", err) &&
        read_installation(store, err) && statements_prepare(store, err) && age_meet(store, err);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, good ? 0 : 1, NULL);
    return good;
}

static int64_t ms_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

/* What is in the log alone was written after the rest. */
static int64_t last_written_ms(const char *path)
{
    AUTO(free) char *log = xasprintf("%s-wal", path);
    struct timespec now;
    struct stat info;
    clock_gettime(CLOCK_REALTIME, &now);
    if (stat(path, &info) != 0) {
        return ms_of(&now);
    }
    int64_t written_ms = ms_of(&info.st_mtim);
    if (stat(log, &info) == 0 && ms_of(&info.st_mtim) > written_ms) {
        written_ms = ms_of(&info.st_mtim);
    }
    return written_ms;
}

int64_t store_left_ms(const struct store *store)
{
    return store->left_ms;
}

#define PUT_BACK_TEXT                                                                              \
    "the database %s was put back from a copy: what was under way in it is left as it is and has " \
    "ended as failed; lodge doctor says what does not fit"

static struct store *store_new(struct store *main, const char *path)
{
    struct store *store = xcalloc(1, sizeof *store);
    store->main = main == NULL ? store : main;
    pthread_mutex_init(&store->lock, NULL);
    store->path = xstrdup(path);
    store->age_fd = -1;
    return store;
}

static bool open_reader(struct store *store, struct lodge_error *err)
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct store *reader = store_new(store, store->path);
    store->reader = reader;
    reader->device = store->device;
    reader->inode = store->inode;
    int code = sqlite3_open_v2(reader->path, &reader->db, flags, NULL);
    if (code != SQLITE_OK) {
        return database_fail(reader, code, err);
    }
    sqlite3_busy_timeout(reader->db, BUSY_MS);
    return database_run(reader, "PRAGMA trusted_schema = OFF", err) &&
           statements_prepare(reader, err);
}

struct store *store_reader(struct store *store)
{
    return store->reader;
}

static struct store *open_in(const char *state_dir, int create, struct lodge_error *err)
{
    AUTO(free) char *path = xasprintf("%s/lodge.db", state_dir);
    struct store *store = store_new(NULL, path);
    store->put_back_text = xasprintf(PUT_BACK_TEXT, store->path);
    for (int i = 0; i < TROUBLES; i++) {
        store->texts[i] = xasprintf("the database %s %s: %s", store->path, trouble_words[i].what,
                                    trouble_words[i].help);
    }
    store->left_ms = last_written_ms(store->path);
    copies_sweep(state_dir);
    if (!restore_finish(state_dir, err) || !open_all(store, create, err) ||
        !open_reader(store, err)) {
        store_close(store);
        return NULL;
    }
    store->write_lock = (struct held){0}; /* a migration's time is not what writers wait for */
    return store;
}

struct store *store_open(const char *state_dir, struct lodge_error *err)
{
    return open_in(state_dir, O_CREAT, err);
}

struct store *store_open_again(const char *state_dir, struct lodge_error *err)
{
    return open_in(state_dir, 0, err);
}

bool store_is_there(const char *state_dir)
{
    AUTO(free) char *path = xasprintf("%s/lodge.db", state_dir);
    return access(path, F_OK) == 0;
}

static void tell_write_lock(const struct held *held)
{
    if (held->count > 0) {
        log_debug(LOG_STORE,
                  "the write lock was held %llu times, p50 %.3f ms, p99 %.3f ms, max %.3f ms",
                  (unsigned long long)held->count, (double)held_percentile(held, 500) / 1e6,
                  (double)held_percentile(held, 990) / 1e6, (double)held->longest_ns / 1e6);
    }
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    store_close(store->reader);
    tell_write_lock(&store->write_lock);
    statements_finalize(store);
    sqlite3_close(store->db);
    age_close(store);
    for (int i = 0; i < TROUBLES; i++) {
        free(store->texts[i]);
    }
    pthread_mutex_destroy(&store->lock);
    free(store->put_back_text);
    free(store->path);
    free(store);
}

void store_leave(struct store *store)
{
    struct timespec until;
    if (store == NULL) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LEAVE_S;
    store_leave(store->reader); /* the last to be closed empties the log */
    if (pthread_mutex_timedlock(&store->lock, &until) != 0) {
        log_warning(LOG_STORE, "the database is in use still: it is left as a kill would");
        return;
    }
    tell_write_lock(&store->write_lock);
    statements_finalize(store);
    sqlite3_close(store->db);
    age_close(store);
}

const char *store_installation(const struct store *store)
{
    return store->installation;
}

bool store_count_boot(struct store *store, int64_t *ret_boot, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    if (transaction == NULL) {
        return false;
    }
    bool row = false;
    int64_t boot = 0;
    {
        AUTO(statement_reset) sqlite3_stmt *count = statement_get(store, META_COUNT_BOOT);
        if (!statement_step(store, count, &row, err)) {
            return lodge_fail_in(err, "counting this start");
        }
        boot = row ? sqlite3_column_int64(count, 0) : 0;
    }
    if (!row) {
        return fail_with(store, TROUBLE_CORRUPT, "its table meta is empty", err);
    }
    if (!transaction_commit(transaction, err)) {
        return false;
    }
    store->boots = boot;
    age_follow(store);
    *ret_boot = boot;
    return true;
}
