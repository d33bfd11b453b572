/*
 * restore.c: lodged --restore FILE.
 *
 * A kill before the end of `commit` leaves the old database, and the part is swept away; one after
 * it the new one, which the next start puts in place (restore_finish).
 *
 *   - copy:   FILE's bytes, by descriptor, into lodge.db.restore.part
 *   - check:  the copy: what is looked at is what is put in place
 *   - mark:   what is under way in it is left alone (put_back.h)
 *   - commit: lodge.db.restore.part becomes lodge.db.restore
 *   - move:   the old one gets a second name, its log follows it
 *   - place:  lodge.db.restore becomes lodge.db
 *
 * The old log must never lie beside the new database, and the old database is not whole without it:
 * two files cannot change places at once, so from the first that has moved on the rest is owed, and
 * done by who comes next. A move that fails before that takes `commit` back: who was told that it
 * failed is not to find the new one at the next start. DIR/lodge.db is there at every moment.
 */
#include "store/restore.h"

#include "memory.h"
#include "store/age.h"
#include "store/copies.h"
#include "store/migrate.h"
#include "store/put_back.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DATABASE "lodge.db"
#define PART "lodge.db.restore.part"
#define READY "lodge.db.restore"
#define OWED "the copy is put in place when lodged starts next, or by running this again"

enum { COPY_BYTES = 1 << 16, MS_PER_S = 1000, NS_PER_MS = 1000000 };

/* What SQLite keeps beside a database. A log is part of it; the index of the log is made anew. */
static const char *const beside[] = {"-wal", "-journal", "-shm"};
enum { PARTS_OF_IT = 2 };

static bool fail_in_dir(const char *what, const char *name, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_STORE_UNAVAILABLE, "cannot %s %s in the state directory: %s",
                      what, name, strerror(errno));
}

/* --- place ------------------------------------------------------------------------------------ */

/* When what replaces it was ready: the same name after a kill. `old` NULL: it has it already. */
static char *name_replaced(int dir, const struct stat *ready, const struct stat *old)
{
    int64_t at_ms = (int64_t)ready->st_mtim.tv_sec * MS_PER_S + ready->st_mtim.tv_nsec / NS_PER_MS;
    for (;; at_ms++) {
        AUTO(free) char *stamp = copies_stamp(at_ms);
        AUTO(free) char *name = xasprintf(DATABASE ".replaced-%s", stamp);
        if (old == NULL || faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 ||
            copies_is_file(dir, name, old)) {
            return TAKE(name);
        }
    }
}

/* File systems without hard links: the old one is gone from its place for a moment. */
static bool name_twice(int dir, const char *name, bool *has_moved)
{
    if (linkat(dir, DATABASE, dir, name, 0) == 0 || errno == EEXIST) {
        return true;
    }
    *has_moved = renameat(dir, DATABASE, dir, name) == 0;
    return *has_moved;
}

static bool move_logs(int dir, const char *name, bool *has_moved, struct lodge_error *err)
{
    for (size_t i = 0; i < ARRAY_LENGTH(beside); i++) {
        AUTO(free) char *from = xasprintf(DATABASE "%s", beside[i]);
        AUTO(free) char *to = xasprintf("%s%s", name, beside[i]);
        bool is_there = renameat(dir, from, dir, to) == 0;
        if (!is_there && errno != ENOENT) {
            return fail_in_dir("set aside", from, err);
        }
        *has_moved |= is_there;
    }
    return true;
}

/* Each part may have been done before. *ret_replaced is a name in `dir`, NULL if there was none.
 * Both results stand on failure too: *ret_owed, that it cannot be taken back any more. */
static bool place_copy(int dir, char **ret_replaced, bool *ret_owed, struct lodge_error *err)
{
    struct stat ready;
    struct stat old;
    if (fstatat(dir, READY, &ready, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT || fail_in_dir("look at", READY, err);
    }
    bool is_there = fstatat(dir, DATABASE, &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && errno != ENOENT) {
        return fail_in_dir("look at", DATABASE, err);
    }
    AUTO(free) char *name = name_replaced(dir, &ready, is_there ? &old : NULL);
    if (is_there && !name_twice(dir, name, ret_owed)) {
        return fail_in_dir("set aside", DATABASE, err);
    }
    *ret_replaced = is_there ? xstrdup(name) : NULL;
    if (!move_logs(dir, name, ret_owed, err)) {
        return false;
    }
    if (fsync(dir) != 0 || renameat(dir, READY, dir, DATABASE) != 0) {
        return fail_in_dir("put in place", READY, err);
    }
    *ret_owed = true;
    return fsync(dir) == 0 || fail_in_dir("put in place", READY, err);
}

bool restore_finish(const char *state_dir, struct lodge_error *err)
{
    bool is_owed = false;
    AUTO(free) char *replaced = NULL;
    AUTO(fd_close) int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Without a directory opening says why. */
    return dir < 0 || place_copy(dir, &replaced, &is_owed, err);
}

/* --- copy ------------------------------------------------------------------------------------- */

/* FILE as it was opened. */
struct source {
    struct stat info;
    char real[PATH_MAX]; /* its name, whatever led to it; "" if nobody can say */
};

static bool copy_bytes(int from, int to)
{
    AUTO(free) char *bytes = xmalloc(COPY_BYTES);
    for (;;) {
        ssize_t length = read(from, bytes, COPY_BYTES);
        if (length <= 0) {
            return length == 0;
        }
        for (ssize_t done = 0; done < length;) {
            ssize_t wrote = write(to, bytes + done, (size_t)(length - done));
            if (wrote < 0) {
                return false;
            }
            done += wrote;
        }
    }
}

/* With root's hand the files stay those of whose directory it is. */
static bool copy_in(int from, int dir, const char *name, struct lodge_error *err)
{
    struct stat owner;
    AUTO(fd_close)
    int to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0 || fstat(dir, &owner) != 0 ||
        (geteuid() == 0 && fchown(to, owner.st_uid, owner.st_gid) != 0) || !copy_bytes(from, to)) {
        return fail_in_dir("write", name, err);
    }
    return true;
}

static void read_name(int file, char ret_path[static PATH_MAX])
{
    AUTO(free) char *self = xasprintf("/proc/self/fd/%d", file);
    ssize_t length = readlink(self, ret_path, PATH_MAX - 1);
    ret_path[length > 0 ? length : 0] = '\0';
}

static bool copy_beside(const char *real, int dir, struct lodge_error *err)
{
    for (size_t i = 0; real[0] != '\0' && i < PARTS_OF_IT; i++) {
        AUTO(free) char *path = xasprintf("%s%s", real, beside[i]);
        AUTO(free) char *name = xasprintf(PART "%s", beside[i]);
        AUTO(fd_close) int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat info;
        if (from < 0 && errno != ENOENT) {
            return lodge_fail(err, LODGE_ERROR_INVALID, "%s cannot be read: %s", path,
                              strerror(errno));
        }
        if (from >= 0 && fstat(from, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
            !copy_in(from, dir, name, err)) {
            return false;
        }
    }
    return true;
}

static bool copy_file(const char *file, int dir, struct source *ret_source, struct lodge_error *err)
{
    AUTO(fd_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &ret_source->info) != 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s cannot be read: %s", file, strerror(errno));
    }
    read_name(fd, ret_source->real);
    if (!S_ISREG(ret_source->info.st_mode)) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "%s is no file", file);
    }
    if (copies_is_file(dir, DATABASE, &ret_source->info)) {
        return lodge_fail(err, LODGE_ERROR_CONFLICT,
                          "%s is the database itself: name a copy of it, such as those beside it",
                          file);
    }
    return copy_in(fd, dir, PART, err) && copy_beside(ret_source->real, dir, err);
}

/* --- check ------------------------------------------------------------------------------------ */

/* FILE is what the admin knows, the copy what is looked at. */
struct candidate {
    const char *file;
    const char *real;
    sqlite3 *db;
    int64_t version;
};

static bool refuse_file(const struct candidate *candidate, const char *why, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_INVALID,
                      "%s is no database of lodge's that could be used: %s", candidate->file, why);
}

static bool refuse_sql(const struct candidate *candidate, struct lodge_error *err)
{
    return refuse_file(candidate, sqlite3_errmsg(candidate->db), err);
}

/* The first column of the first row; "" where there is none. The caller frees; NULL on failure. */
static char *ask_text(sqlite3 *db, const char *sql)
{
    AUTO(sqlite3_finalize) sqlite3_stmt *query = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) != SQLITE_OK) {
        return NULL;
    }
    int code = sqlite3_step(query);
    const unsigned char *text = code == SQLITE_ROW ? sqlite3_column_text(query, 0) : NULL;
    return code == SQLITE_ROW || code == SQLITE_DONE
               ? xstrdup(text == NULL ? "" : (const char *)text)
               : NULL;
}

static bool ask_number(const struct candidate *candidate, const char *sql, int64_t *ret_number,
                       struct lodge_error *err)
{
    AUTO(free) char *text = ask_text(candidate->db, sql);
    *ret_number = text == NULL ? 0 : strtoll(text, NULL, 10);
    return text != NULL || refuse_sql(candidate, err);
}

static bool check_version(struct candidate *candidate, struct lodge_error *err)
{
    if (!ask_number(candidate, "PRAGMA user_version", &candidate->version, err)) {
        return false;
    }
    if (candidate->version > (int64_t)migration_count) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "%s has schema %lld, this lodged knows up to %zu: install the newer "
                          "lodged, or name an older copy",
                          candidate->file, (long long)candidate->version, migration_count);
    }
    return candidate->version > 0 || refuse_file(candidate, "it has no schema", err);
}

/* All that a database of that schema has, by the names of tables and columns. */
static bool check_copy_tables(const struct candidate *candidate, struct lodge_error *err)
{
    AUTO(sqlite3_close_v2) sqlite3 *model = NULL;
    AUTO(sqlite3_finalize) sqlite3_stmt *columns = NULL;
    int code = sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE, NULL);
    for (int64_t i = 0; code == SQLITE_OK && i < candidate->version; i++) {
        code = sqlite3_exec(model, migrations[i].sql, NULL, NULL, NULL);
    }
    if (code != SQLITE_OK ||
        sqlite3_prepare_v2(model,
                           "SELECT m.name, c.name FROM sqlite_schema AS m,"
                           " pragma_table_info(m.name) AS c WHERE m.type = 'table'",
                           -1, &columns, NULL) != SQLITE_OK) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "the schemas cannot be read: %s",
                          sqlite3_errmsg(model));
    }
    while (sqlite3_step(columns) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(columns, 0);
        const char *column = (const char *)sqlite3_column_text(columns, 1);
        if (sqlite3_table_column_metadata(candidate->db, "main", table, column, NULL, NULL, NULL,
                                          NULL, NULL) != SQLITE_OK) {
            return refuse_file(candidate, "it lacks what its schema has", err);
        }
    }
    return true;
}

static bool check_whole(const struct candidate *candidate, struct lodge_error *err)
{
    AUTO(free) char *verdict = ask_text(candidate->db, "PRAGMA integrity_check(1)");
    if (verdict == NULL) {
        return refuse_sql(candidate, err);
    }
    return strcmp(verdict, "ok") == 0 || refuse_file(candidate, verdict, err);
}

/* One file from now on: its log is taken in. */
static bool take_log_in(const struct candidate *candidate, struct lodge_error *err)
{
    AUTO(free) char *mode = ask_text(candidate->db, "PRAGMA journal_mode = DELETE");
    return (mode != NULL && strcmp(mode, "delete") == 0) || refuse_sql(candidate, err);
}

/* --- mark ------------------------------------------------------------------------------------- */

static bool note_restored(const struct candidate *candidate, int64_t now_ms,
                          struct lodge_error *err)
{
    AUTO(sqlite3_finalize) sqlite3_stmt *insert = NULL;
    if (sqlite3_prepare_v2(candidate->db,
                           "INSERT INTO audit (at_ms, uid, pid, method, target, result)"
                           " VALUES (?1, ?2, ?3, 'lodged --restore', ?4, 'ok')",
                           -1, &insert, NULL) != SQLITE_OK) {
        return refuse_sql(candidate, err);
    }
    sqlite3_bind_int64(insert, 1, now_ms);
    sqlite3_bind_int64(insert, 2, getuid());
    sqlite3_bind_int64(insert, 3, getpid());
    sqlite3_bind_text(insert, 4, candidate->real, -1, SQLITE_STATIC);
    return sqlite3_step(insert) == SQLITE_DONE || refuse_sql(candidate, err);
}

/* The first schema has nothing to undo, and nothing to mark it with. */
static bool mark_copy(const struct candidate *candidate, int64_t now_ms, struct lodge_error *err)
{
    bool can_mark = candidate->version > 1;
    return (!can_mark ||
            sqlite3_exec(candidate->db, OPS_LEAVE_ALONE, NULL, NULL, NULL) == SQLITE_OK ||
            refuse_sql(candidate, err)) &&
           note_restored(candidate, now_ms, err);
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool read_copy_installation(const struct candidate *candidate,
                                   char ret_installation[static 33], struct lodge_error *err)
{
    AUTO(free) char *text = ask_text(candidate->db, "SELECT installation FROM meta WHERE one = 1");
    if (text == NULL || strlen(text) != 32) {
        return refuse_file(candidate, "its table meta is empty", err);
    }
    memcpy(ret_installation, text, 33);
    return true;
}

static bool examine(const char *state_dir, struct candidate candidate, int64_t now_ms,
                    struct store_restored *restored, char ret_installation[static 33],
                    struct lodge_error *err)
{
    AUTO(free) char *path = xasprintf("%s/" PART, state_dir);
    AUTO(sqlite3_close_v2) sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    candidate.db = db;
    if (code != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON", NULL, NULL,
                     NULL) != SQLITE_OK) {
        return refuse_sql(&candidate, err);
    }
    bool good = check_version(&candidate, err) && check_whole(&candidate, err) &&
                check_copy_tables(&candidate, err) && take_log_in(&candidate, err) &&
                mark_copy(&candidate, now_ms, err);
    restored->schema = candidate.version;
    return good && read_copy_installation(&candidate, ret_installation, err) &&
           ask_number(&candidate, "SELECT count(*) FROM vm", &restored->vms, err) &&
           ask_number(&candidate, "SELECT count(*) FROM op WHERE ended_ms IS NULL",
                      &restored->under_way, err);
}

static bool commit_copy(int dir, struct lodge_error *err)
{
    AUTO(fd_close) int fd = openat(dir, PART, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fsync(fd) != 0 || renameat(dir, PART, dir, READY) != 0 || fsync(dir) != 0) {
        return fail_in_dir("write", PART, err);
    }
    return true;
}

/* Who was told that it failed is not to find it done at the next start; where that is too late, the
 * error says so. */
static bool take_back(int dir, const char *replaced, bool is_owed, struct lodge_error *err)
{
    struct stat old;
    if (is_owed || (unlinkat(dir, READY, 0) != 0 && errno != ENOENT)) {
        return lodge_fail_in(err, OWED);
    }
    bool has_two_names = replaced != NULL &&
                         fstatat(dir, DATABASE, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
                         copies_is_file(dir, replaced, &old);
    bool is_clean =
        fsync(dir) == 0 && (!has_two_names || unlinkat(dir, replaced, 0) == 0) && fsync(dir) == 0;
    (void)is_clean; /* a second name does no harm, and what failed first is said */
    return false;
}

bool store_restore(const char *state_dir, const char *file, int64_t now_ms,
                   struct store_restored *ret_restored, struct lodge_error *err)
{
    struct store_restored restored = {0};
    struct source source = {0};
    char installation[33] = "";
    bool is_owed = false;
    AUTO(free) char *replaced = NULL;
    AUTO(fd_close) int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return fail_in_dir("open", state_dir, err);
    }
    copies_sweep(state_dir);
    if (!place_copy(dir, &replaced, &is_owed, err)) { /* of one that was killed */
        return lodge_fail_in(err, OWED);
    }
    free(TAKE(replaced));
    is_owed = false;
    if (!copy_file(file, dir, &source, err) ||
        !examine(state_dir, (struct candidate){.file = file, .real = source.real}, now_ms,
                 &restored, installation, err)) {
        copies_sweep(state_dir);
        return false;
    }
    char before[33] = "";
    restored.other_installation =
        age_installation(dir, before) && strcmp(before, installation) != 0;
    if (!commit_copy(dir, err) || !place_copy(dir, &replaced, &is_owed, err)) {
        copies_sweep(state_dir);
        return take_back(dir, replaced, is_owed, err);
    }
    copies_prune(state_dir, COPY_REPLACED, replaced, &source.info);
    restored.path = xasprintf("%s/" DATABASE, state_dir);
    restored.replaced = replaced == NULL ? NULL : xasprintf("%s/%s", state_dir, replaced);
    *ret_restored = restored;
    return true;
}

void store_restored_clear(struct store_restored *restored)
{
    free(restored->path);
    free(restored->replaced);
    *restored = (struct store_restored){0};
}
