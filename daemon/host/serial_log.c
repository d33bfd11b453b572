/*
 * serial_log: a log that has grown past its bound keeps its last words: the blocks that it
 * begins with are taken away under QEMU, which goes on appending. The folder is the caller's.
 * Worker-only.
 */
#include "host/serial_log.h"

#include "scope.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST = 1 << 20,
    KEPT = 1 << 19,
    BLOCK = 1 << 16, /* of any file system, or a multiple */
};

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
