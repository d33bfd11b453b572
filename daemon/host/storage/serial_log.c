/*
 * serial_log: a log that has grown past its bound keeps its last words: the blocks that it
 * begins with are taken away under QEMU, which goes on appending. The folder is the caller's.
 * Worker-only.
 */
#include "host/storage/serial_log.h"

#include "host/storage/storage.h"
#include "scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST = 1 << 20,
    KEPT = 1 << 19,
    BLOCK = 1 << 16, /* of any file system, or a multiple */
};

DEFINE_AUTO(DIR *, closedir, NULL);

/* QEMU appends: it goes on at what is the end then. Not every file system can take away what a file
 * begins with; there all of it goes. */
void serial_log_cut(int folder, const char *name)
{
    struct stat log;
    AUTO(fd_close)
    int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &log) < 0 || !S_ISREG(log.st_mode) || log.st_nlink != 1 ||
        log.st_size <= MOST) {
        return;
    }
    off_t over = (log.st_size - KEPT) & ~(off_t)(BLOCK - 1);
    bool is_cut = fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, over) == 0 || ftruncate(fd, 0) == 0;
    (void)is_cut; /* a disk that does not do it now may at the next look */
}

static bool is_serial_log(const char *name)
{
    static const char end[] = "-serial.log";
    size_t length = strlen(name);
    return length >= sizeof end && strcmp(name + length - (sizeof end - 1), end) == 0 &&
           storage_is_our_name(name);
}

void serial_logs_cut(int folder)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(closedir) DIR *list = again < 0 ? NULL : fdopendir(again);
    if (list == NULL && again >= 0) {
        close(again);
    }
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        if (is_serial_log(entry->d_name)) {
            serial_log_cut(folder, entry->d_name);
        }
    }
}
