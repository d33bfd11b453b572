/*
 * copies: the files beside the database that lodge itself has left there, told by their exact
 * names: which of them are old enough to go, and what a kill has left unfinished. On workers, or
 * before any other thread; this process has the state directory's lock (lock.c).
 */
#include "store/copies.h"

#include "lodge/strings.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* '#' is a digit, '*' a number. */
static const char *const names[COPY_KINDS] = {
    [COPY_BACKUP] = "lodge.db.backup-########T######.###",
    [COPY_MIGRATION] = "lodge.db.schema-*.bak",
    [COPY_REPLACED] = "lodge.db.replaced-########T######.###",
};

/* What lies beside a database and goes where it goes. */
static const char *const companions[] = {"", "-wal", "-shm", "-journal"};

static void dir_close(DIR *dir)
{
    closedir(dir);
}
DEFINE_AUTO(DIR *, dir_close, NULL);

static bool is_stamp_digit(char byte)
{
    return isdigit((unsigned char)byte) != 0;
}

static bool is_called(const char *name, const char *pattern, const char *suffix)
{
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '*') {
            size_t digits = strspn(name, "0123456789");
            if (digits == 0 || digits > 9) {
                return false;
            }
            name += digits;
        } else if (*pattern == '#' ? is_stamp_digit(*name) : *name == *pattern) {
            name++;
        } else {
            return false;
        }
    }
    return strcmp(name, suffix) == 0;
}

char *copies_stamp(int64_t at_ms)
{
    struct tm when;
    char stamp[32] = "";
    time_t seconds = (time_t)(at_ms / 1000);
    if (gmtime_r(&seconds, &when) != NULL) {
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &when);
    }
    return xasprintf("%s.%03d", stamp, (int)(at_ms % 1000));
}

static void remove_one(int dir, const char *name)
{
    struct stat info;
    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
        unlinkat(dir, name, 0) != 0) {
        log_warning(LOG_STORE, "the old copy %s stays: %s", name, strerror(errno));
    }
}

static void remove_all(int dir, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(companions); i++) {
        AUTO(free) char *one = xasprintf("%s%s", name, companions[i]);
        remove_one(dir, one);
    }
}

bool copies_is_file(int dir, const char *name, const struct stat *file)
{
    struct stat info;
    return fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_dev == file->st_dev &&
           info.st_ino == file->st_ino;
}

/* Stamps are of one length, numbers have no zeros in front: the longer is the newer. */
static int older_first(const void *a, const void *b)
{
    const char *one = *(char *const *)a;
    const char *other = *(char *const *)b;
    size_t length = strlen(one);
    size_t other_length = strlen(other);
    return length != other_length ? (length < other_length ? -1 : 1) : strcmp(one, other);
}

void copies_prune(const char *state_dir, enum copy_kind kind, const char *made,
                  const struct stat *spared)
{
    AUTO(dir_close) DIR *dir = opendir(state_dir);
    struct lodge_strings found = {0};
    const char *slash = made == NULL ? NULL : strrchr(made, '/');
    const char *stays = slash == NULL ? made : slash + 1;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (is_called(entry->d_name, names[kind], "") &&
            !lodge_strings_add(&found, entry->d_name)) {
            abort(); /* out of memory, as xmalloc */
        }
    }
    if (found.count > COPIES_KEPT) {
        qsort(found.items, found.count, sizeof *found.items, older_first);
        for (size_t i = 0; i < found.count - COPIES_KEPT; i++) {
            bool is_spared = spared != NULL && copies_is_file(dirfd(dir), found.items[i], spared);
            if (!is_spared && (stays == NULL || strcmp(found.items[i], stays) != 0)) {
                remove_all(dirfd(dir), found.items[i]);
            }
        }
    }
    lodge_strings_clear(&found);
}

static bool is_unfinished(const char *name)
{
    if (is_called(name, names[COPY_BACKUP], ".part") ||
        is_called(name, names[COPY_MIGRATION], ".part") ||
        is_called(name, names[COPY_MIGRATION], ".part-journal")) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(companions); i++) {
        if (is_called(name, "lodge.db.restore.part", companions[i])) {
            return true;
        }
    }
    return false;
}

void copies_sweep(const char *state_dir)
{
    AUTO(dir_close) DIR *dir = opendir(state_dir);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (is_unfinished(entry->d_name)) {
            remove_one(dirfd(dir), entry->d_name);
        }
    }
}

bool copies_sync(const char *state_dir)
{
    AUTO(fd_close) int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}
