/*
 * age: the count of what was done, in the database and in the file DIR/age beside it, which the
 * store has open as long as it lives. The file is one line of fixed length, written in place: no
 * kill can tear it, and it never needs room again. On workers, under the store's lock.
 */
#include "store/age.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "<installation> <count, 20 digits> <boots, 10 digits>\n" */
enum { INSTALLATION = 32, COUNT_AT = 33, BOOTS_AT = 54, LENGTH = 65 };

static bool take_number(const char *text, char end, int64_t *ret_number)
{
    char *after = NULL;
    errno = 0;
    *ret_number = strtoll(text, &after, 10);
    return errno == 0 && *ret_number >= 0 && *after == end;
}

static struct age_line read_age(int fd)
{
    char text[LENGTH + 2] = "";
    struct age_line line = {.found = AGE_FOUND_DAMAGED};
    ssize_t length = pread(fd, text, LENGTH + 1, 0);
    if (length == 0) {
        line.found = AGE_FOUND_NONE; /* killed between making and writing it */
    } else if (length == LENGTH && strspn(text, "0123456789abcdef") == INSTALLATION &&
               take_number(text + COUNT_AT, ' ', &line.count) &&
               take_number(text + BOOTS_AT, '\n', &line.boots)) {
        memcpy(line.installation, text, INSTALLATION);
        line.found = AGE_FOUND_WELL;
    }
    return line;
}

static bool write_age(const struct store *store)
{
    char text[LENGTH + 1];
    int length = snprintf(text, sizeof text, "%.32s %020" PRId64 " %010" PRId64 "\n",
                          store->installation, store->count, store->boots);
    return length == LENGTH && pwrite(store->age_fd, text, LENGTH, 0) == LENGTH;
}

bool age_open(struct store *store, struct lodge_error *err)
{
    int dir_length = (int)(strlen(store->path) - strlen("lodge.db"));
    AUTO(free) char *path = xasprintf("%.*sage", dir_length, store->path);
    store->age_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return store->age_fd >= 0 || database_fail_system(store, path, errno, err);
}

struct age_line age_read(const struct store *store)
{
    return read_age(store->age_fd);
}

bool age_write(struct store *store, struct lodge_error *err)
{
    return (write_age(store) && fsync(store->age_fd) == 0) ||
           database_fail_system(store, "the file age beside the database", errno, err);
}

bool age_read_counts(struct store *store, struct lodge_error *err)
{
    return database_ask_int(store, "SELECT count FROM age WHERE one = 1", &store->count, err) &&
           database_ask_int(store, "SELECT boots FROM meta WHERE one = 1", &store->boots, err);
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
    (void)write_age(store);
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
    const struct age_line line = fd < 0 ? (struct age_line){0} : read_age(fd);
    if (line.found == AGE_FOUND_WELL) {
        memcpy(ret_installation, line.installation, sizeof line.installation);
    }
    return line.found == AGE_FOUND_WELL;
}
