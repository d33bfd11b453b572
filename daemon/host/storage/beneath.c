/* beneath.c: openat2() where the kernel has it, else a walk that follows no link at all. */
#include "host/storage/beneath.h"

#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

/* A ".." may race a rename elsewhere on the machine: the kernel then asks for another try. */
enum { TRIES = 8 };

/* One step of the walk. `name` is changed and put back. */
static int beneath_step(int folder, char *name, size_t length)
{
    char end = name[length];
    name[length] = '\0';
    bool leads_out = strcmp(name, "..") == 0;
    int fd = leads_out ? -1 : openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int why = leads_out ? EXDEV : errno;
    name[length] = end;
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISLNK(info.st_mode)) {
        close(fd);
        fd = -1;
        why = ELOOP;
    }
    errno = why;
    return fd;
}

static int beneath_walk(int folder, const char *path)
{
    AUTO(free) char *copy = xstrdup(path);
    AUTO(fd_close) int here = dup(folder);
    for (char *at = copy; here >= 0 && *at != '\0';) {
        size_t length = strcspn(at, "/");
        int next = length == 0 ? -1 : beneath_step(here, at, length);
        int why = length == 0 ? EXDEV : errno;
        close(here);
        here = next;
        at += length + (at[length] == '/');
        errno = why;
    }
    int found = here;
    here = -1;
    return found;
}

/* Kernels before 5.6, and some sandboxes, do not know openat2. */
static int find_beneath(int folder, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd = -1;
    for (int i = 0; i < TRIES; i++) {
        fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN) {
            break;
        }
    }
    return fd < 0 && (errno == ENOSYS || errno == EPERM) ? beneath_walk(folder, path) : fd;
}

int beneath_open(int folder, const char *path)
{
    AUTO(fd_close) int place = find_beneath(folder, path);
    int fd = place;
    struct stat info;
    if (fd >= 0 && beneath_is_file(place, &info)) {
        char link[64]; /* the very file, whatever its name has come to mean */
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", place);
        return open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    place = -1;
    return fd;
}

char *beneath_path(int fd)
{
    char link[64];
    char path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length <= 0 || path[0] != '/' ? NULL : xstrndup(path, (size_t)length);
}

bool beneath_is_file(int fd, struct stat *ret_info)
{
    return fstat(fd, ret_info) == 0 && S_ISREG(ret_info->st_mode);
}

bool beneath_take_file(int fd, struct stat *ret_info, struct lodge_error *err)
{
    if (!beneath_is_file(fd, ret_info)) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "it is no plain file");
    }
    return ret_info->st_nlink <= 1 ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "it is a hard link, and may be anybody's: a copy would be the library's own");
}

bool beneath_is_folder(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}
