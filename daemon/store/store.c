/*
 * store: opening and closing. There is one connection that writes, and one for those who only read,
 * each with a mutex of its own (database.c).
 *
 * Opening looks at everything (schema, health) before it changes anything: a newer schema and a
 * damaged file are left as they are. It is done by one thread, before others can have the store.
 */
#include "store/store.h"

#include "log.h"
#include "memory.h"
#include "store/age.h"
#include "store/copies.h"
#include "store/database.h"
#include "store/migrate.h"
#include "store/put_back.h"
#include "store/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAVE_S = 2 };
enum { BUSY_MS = 5000 }; /* how long a foreign reader of the file may hold us up */

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
    return strcmp(verdict, "ok") == 0 || database_fail_as(store, TROUBLE_CORRUPT, verdict, err);
}

/* Some file systems (NFS, some of FUSE) have no shared memory: SQLite then stays at "delete". */
static bool set_journal(struct store *store, struct lodge_error *err)
{
    AUTO(free) char *mode = NULL;
    if (!database_ask_text(store, "PRAGMA journal_mode = WAL", &mode, err)) {
        return false;
    }
    return strcmp(mode, "wal") == 0 ||
           database_fail_as(store, TROUBLE_OTHER, "its file system cannot hold a write-ahead log",
                            err);
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
    bool good = migrate_check(store, migration_count, err) && check_health(store, err) &&
                database_run(store, SETTINGS, err) &&
                migrate(store, migrations, migration_count, err) && set_journal(store, err) &&
                database_run(store, "PRAGMA foreign_keys = ON", err) &&
                read_installation(store, err) && statements_prepare(store, err) &&
                put_back_check(store, err);
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
    struct stat info;
    if (stat(path, &info) != 0) {
        return database_now_ms();
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

static bool open_reader(struct store *store, struct lodge_error *err)
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct store *reader = database_new(store, store->path);
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

const char *store_trouble(const struct store *store)
{
    return atomic_load(&store->main->trouble);
}

struct store *store_reader(struct store *store)
{
    return store->reader;
}

static struct store *open_in(const char *state_dir, int create, struct lodge_error *err)
{
    AUTO(free) char *path = xasprintf("%s/lodge.db", state_dir);
    struct store *store = database_new(NULL, path);
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
    database_free(store);
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
        return database_fail_as(store, TROUBLE_CORRUPT, "its table meta is empty", err);
    }
    if (!transaction_commit(transaction, err)) {
        return false;
    }
    store->boots = boot;
    age_follow(store);
    *ret_boot = boot;
    return true;
}
