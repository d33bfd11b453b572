/* age.c: the count of what was done, in the database and in the file beside it. The file is one
 * line of fixed length, written in place: no kill can tear it, and it never needs room again. */
#include "store/age.h"

#include "memory.h"
#include "store/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { INSTALLATION = 32, COUNT_AT = 33, BOOTS_AT = 54, LENGTH = 65 };

enum found { FOUND_NONE, FOUND_DAMAGED, FOUND_WELL };

/* What the file says: "<installation> <count, 20 digits> <boots, 10 digits>\n". */
struct age_line {
    enum found found;
    char installation[INSTALLATION + 1];
    int64_t count;
    int64_t boots;
};

static bool take_number(const char *text, char end, int64_t *ret_number)
{
    char *after = NULL;
    errno = 0;
    *ret_number = strtoll(text, &after, 10);
    return errno == 0 && *ret_number >= 0 && *after == end;
}

static struct age_line read_line(int fd)
{
    char text[LENGTH + 2] = "";
    struct age_line line = {.found = FOUND_DAMAGED};
    ssize_t length = pread(fd, text, LENGTH + 1, 0);
    if (length == 0) {
        line.found = FOUND_NONE; /* killed between making and writing it */
    } else if (length == LENGTH && strspn(text, "0123456789abcdef") == INSTALLATION &&
               take_number(text + COUNT_AT, ' ', &line.count) &&
               take_number(text + BOOTS_AT, '\n', &line.boots)) {
        memcpy(line.installation, text, INSTALLATION);
        line.found = FOUND_WELL;
    }
    return line;
}

static bool write_line(const struct store *store)
{
    char text[LENGTH + 1];
    int length = snprintf(text, sizeof text, "%.32s %020" PRId64 " %010" PRId64 "\n",
                          store->installation, store->count, store->boots);
    return length == LENGTH && pwrite(store->age_fd, text, LENGTH, 0) == LENGTH;
}

static bool open_file(struct store *store, struct lodge_error *err)
{
    int dir_length = (int)(strlen(store->path) - strlen("lodge.db"));
    AUTO(free) char *path = xasprintf("%.*sage", dir_length, store->path);
    store->age_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return store->age_fd >= 0 || database_fail_system(store, path, errno, err);
}

static bool is_ours(const struct store *store, const struct age_line *line)
{
    return line->found == FOUND_WELL && strcmp(line->installation, store->installation) == 0;
}

static bool is_put_back(const struct store *store, const struct age_line *line)
{
    if (store->boots == 0) {
        return false; /* it has never been anywhere */
    }
    return line->found == FOUND_NONE ? store->count > 0
                                     : !is_ours(store, line) || line->count > store->count;
}

static bool run_with(struct store *store, enum statement which, int64_t value,
                     struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *statement = statement_get(store, which);
    statement_bind_int(statement, 1, value);
    return rows_run(store, statement, NULL, err);
}

static bool leave_all(struct store *store, int64_t newest, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *leave = statement_get(store, OP_LEAVE_ALL);
    return rows_run(store, leave, NULL, err) && run_with(store, OP_RAISE_LAST, newest, err) &&
           (newest == 0 || run_with(store, OP_MAKE_LAST, newest, err));
}

static bool note_put_back(struct store *store, struct lodge_error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct audit_row row = {
        .at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
        .uid = geteuid(),
        .pid = getpid(),
        .method = "server.restored",
        .target = "",
        .result = LODGE_ERROR_NONE,
    };
    return audit_insert(store, &row, err);
}

bool store_leave_all(struct store *store, int64_t newest, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    bool ok = transaction != NULL && leave_all(store, newest, err) && note_put_back(store, err) &&
              transaction_commit(transaction, err);
    return ok || lodge_fail_in(err, "marking what a database that was put back leaves alone");
}

/* Numbers that were given out since are not given out again: revisions count from `boots`. */
static bool catch_up(struct store *store, const struct age_line *line, struct lodge_error *err)
{
    AUTO(transaction_end) struct transaction *transaction = transaction_begin(store, err);
    return transaction != NULL && run_with(store, AGE_RAISE, line->count, err) &&
           run_with(store, META_RAISE_BOOTS, line->boots, err) &&
           transaction_commit(transaction, err);
}

static bool read_counts(struct store *store, struct lodge_error *err)
{
    return database_ask_int(store, "SELECT count FROM age WHERE one = 1", &store->count, err) &&
           database_ask_int(store, "SELECT boots FROM meta WHERE one = 1", &store->boots, err);
}

/* A marked backup that nothing was done after tells of what was under way in it too. */
static bool look_for_marks(struct store *store, struct lodge_error *err)
{
    int64_t marked = 0;
    if (!database_ask_int(store, "SELECT count(*) FROM op WHERE ended_ms IS NULL AND restored = 1",
                          &marked, err)) {
        return false;
    }
    if (marked > 0) {
        store_was_put_back(store);
    }
    return true;
}

/* What is left alone is marked before the counts are even: a kill between the two finds the same
 * again. */
bool age_meet(struct store *store, struct lodge_error *err)
{
    if (!open_file(store, err) || !read_counts(store, err)) {
        return false;
    }
    const struct age_line line = read_line(store->age_fd);
    if (is_put_back(store, &line)) {
        store_was_put_back(store);
        if (!store_leave_all(store, 0, err)) {
            return false;
        }
    }
    bool lags = is_ours(store, &line) && (line.count > store->count || line.boots > store->boots);
    if ((lags && !(catch_up(store, &line, err) && read_counts(store, err))) ||
        !look_for_marks(store, err)) {
        return false;
    }
    return (write_line(store) && fsync(store->age_fd) == 0) ||
           database_fail_system(store, "the file age beside the database", errno, err);
}

bool age_grow(struct store *store, struct lodge_error *err)
{
    AUTO(statement_reset) sqlite3_stmt *grow = statement_get(store, AGE_GROW);
    bool row = false;
    if (!statement_step(store, grow, &row, err)) {
        return false;
    }
    store->transaction.count = row ? sqlite3_column_int64(grow, 0) : 0;
    return true;
}

void age_follow(const struct store *store)
{
    (void)write_line(store);
}

void age_close(struct store *store)
{
    if (store->age_fd >= 0) {
        (void)fsync(store->age_fd);
        close(store->age_fd);
    }
}

bool age_installation(int dir, char ret_installation[static 33])
{
    AUTO(fd_close) int fd = openat(dir, "age", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const struct age_line line = fd < 0 ? (struct age_line){0} : read_line(fd);
    if (line.found == FOUND_WELL) {
        memcpy(ret_installation, line.installation, sizeof line.installation);
    }
    return line.found == FOUND_WELL;
}

const char *store_note(const struct store *store)
{
    return atomic_load(&store->note);
}

void store_was_put_back(struct store *store)
{
    atomic_store(&store->note, store->put_back_text);
}
