/*
 * images: a name is opened beneath a directory of the library (openat2), and what is to be known of
 * it is read through the open file: its kind by its content, its path, its chain of backing files.
 *
 * A disk image may name other files: what it is based on must be in the library, each file of a
 * chain is looked at before qemu-img sees it, and data files of their own are refused. On workers;
 * all that is kept between calls is which directories could not be read, under a lock.
 */
#include "host/images.h"
#include "host/qemu_img.h"
#include "lodge/vm.h"
#include "log.h"
#include "loop/loop.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    DEEPEST_CHAIN = 8,      /* of backing files */
    LONGEST_CMDLINE = 2048, /* x86's limit of a kernel's command line */
    ISO_MARK_AT = 32769,    /* "CD001" in the first volume descriptor */
};
#define GIB (INT64_C(1) << 30)

DEFINE_AUTO(DIR *, closedir, NULL);

const char *image_kind_name(enum image_kind kind)
{
    static const char *const names[] = {
        [IMAGE_NONE] = "none",
        [IMAGE_DISK] = "disk",
        [IMAGE_ISO] = "iso",
        [IMAGE_KERNEL] = "kernel",
    };
    return names[kind];
}

void image_clear(struct image *image)
{
    free(image->name);
    free(image->path);
    free(image->format);
    free(image->initrd);
    free(image->cmdline);
    *image = (struct image){0};
}

/* --- beneath a directory ---------------------------------------------------------------------- */

/* A symlink may lead about within the library, not out of it. Kernels before 5.6, and some
 * sandboxes, do not know openat2: there no link is followed at all. */
static int open_beneath(int dir, const char *name, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
    }
    return fd;
}

/* Without symlinks in it; the caller frees; NULL when it cannot be told. */
static char *path_of(int fd)
{
    char link[64];
    char path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length <= 0 || path[0] != '/' ? NULL : xstrndup(path, (size_t)length);
}

static bool is_file(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_folder(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name);
    size_t end_length = strlen(end);
    return length > end_length && strcasecmp(name + length - end_length, end) == 0;
}

/* --- disks ------------------------------------------------------------------------------------ */

/* The head of a qcow2 file, as far as it has to be known before qemu-img sees it. */
struct qcow2_head {
    bool is_qcow2;
    bool has_data_file;
};

static struct qcow2_head qcow2_head(int fd)
{
    unsigned char bytes[104];
    ssize_t length = pread(fd, bytes, sizeof bytes, 0);
    struct qcow2_head head = {.is_qcow2 = length >= 72 && memcmp(bytes, "QFI\xfb", 4) == 0};
    /* Version 3 has incompatible features at 72, big-endian; bit 2 is the external data file. */
    head.has_data_file = head.is_qcow2 && length >= 80 && bytes[7] >= 3 && (bytes[79] & 4) != 0;
    return head;
}

/* Is the path, which has no symlink in it, beneath one of these? */
static bool is_in_library(const struct lodge_strings *dirs, const char *path)
{
    for (size_t i = 0; i < dirs->count; i++) {
        AUTO(free) char *dir = realpath(dirs->items[i], NULL);
        size_t length = dir == NULL ? 0 : strlen(dir);
        if (length > 0 && strncmp(path, dir, length) == 0 &&
            (path[length] == '/' || dir[length - 1] == '/')) {
            return true;
        }
    }
    return false;
}

/* What `image` names as its base, opened; -1 with the error. It may name a network address, or a
 * whole description of devices: whatever is no path is outside. */
static int open_backing(const struct lodge_strings *dirs, const char *image, const char *backing,
                        char **ret_path, struct lodge_error *err)
{
    size_t folder = (size_t)(strrchr(image, '/') - image);
    bool is_path = backing[0] == '/' || backing[strcspn(backing, "/:")] != ':';
    AUTO(free)
    char *named =
        backing[0] == '/' ? xstrdup(backing) : xasprintf("%.*s/%s", (int)folder, image, backing);
    AUTO(free) char *path = is_path ? realpath(named, NULL) : NULL;
    if (path == NULL || !is_in_library(dirs, path)) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                   "%s is based on %.100s, which is not in the library", image, backing);
        return -1;
    }
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s is based on %s: %s", image, path,
                   strerror(errno));
        return -1;
    }
    *ret_path = TAKE(path);
    return fd;
}

/* One image of a chain. *ret_backing is NULL at its end. An external data file is refused wherever
 * it is: qemu-img before 9.1 opens what the image says there, when it is only asked for its size
 * (CVE-2024-4467). */
static bool read_link(int fd, const char *path, struct qemu_img_info *ret_info,
                      struct lodge_error *err)
{
    struct qcow2_head head = qcow2_head(fd);
    if (!is_file(fd)) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s is no plain file", path);
    }
    if (head.has_data_file) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "%s keeps its data in another file: copy it with qemu-img convert", path);
    }
    return qemu_img_info(fd, head.is_qcow2 ? "qcow2" : "raw", ret_info, err) ||
           lodge_fail_in(err, "%s", path);
}

static bool check_chain(const struct lodge_strings *dirs, const char *image, const char *backing,
                        struct lodge_error *err)
{
    AUTO(free) char *path = xstrdup(image);
    AUTO(free) char *next = xstrdup_or_null(backing);
    for (int depth = 0; next != NULL; depth++) {
        if (depth == DEEPEST_CHAIN) {
            return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                              "%s is based on more than %d images, or on itself", image,
                              DEEPEST_CHAIN);
        }
        char *below = NULL;
        AUTO(fd_close) int fd = open_backing(dirs, path, next, &below, err);
        if (fd < 0) {
            return false;
        }
        free(path);
        path = below;
        struct qemu_img_info info = {0};
        if (!read_link(fd, path, &info, err)) {
            return false;
        }
        free(next);
        next = TAKE(info.backing);
        qemu_img_info_clear(&info);
    }
    return true;
}

static bool read_disk(const struct lodge_strings *dirs, int fd, struct image *image,
                      struct lodge_error *err)
{
    struct qemu_img_info info = {0};
    if (ends_in(image->name, ".qcow2") && is_file(fd) && !qcow2_head(fd).is_qcow2) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s is no qcow2 image", image->path);
    }
    if (!read_link(fd, image->path, &info, err)) {
        return false;
    }
    bool good = check_chain(dirs, image->path, info.backing, err);
    image->size_gib = (info.bytes + GIB - 1) / GIB;
    image->format = TAKE(info.format);
    qemu_img_info_clear(&info);
    return good;
}

/* --- kernels ---------------------------------------------------------------------------------- */

static char *file_of_kernel(int dir, const char *name, const char *file, struct lodge_error *err)
{
    AUTO(free) char *inside = xasprintf("%s/%s", name, file);
    AUTO(fd_close) int fd = open_beneath(dir, inside, O_RDONLY | O_NONBLOCK);
    char *path = fd < 0 || !is_file(fd) ? NULL : path_of(fd);
    if (path == NULL) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "the kernel '%s' has no file %s", name, file);
    }
    return path;
}

static char *read_cmdline(const char *path, struct lodge_error *err)
{
    char line[LONGEST_CMDLINE + 2];
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : pread(fd, line, sizeof line - 1, 0);
    if (length < 0) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s: %s", path, strerror(errno));
        return NULL;
    }
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == ' ')) {
        length--;
    }
    for (ssize_t i = 0; i < length; i++) {
        if ((unsigned char)line[i] < ' ') {
            length = sizeof line;
        }
    }
    if (length > LONGEST_CMDLINE) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                   "%s is not one line of at most %d bytes, without control characters", path,
                   LONGEST_CMDLINE);
        return NULL;
    }
    return xstrndup(line, (size_t)length);
}

static bool read_kernel(int dir, struct image *image, struct lodge_error *err)
{
    free(image->path);
    image->path = file_of_kernel(dir, image->name, "vmlinuz", err);
    image->initrd = image->path == NULL ? NULL : file_of_kernel(dir, image->name, "initrd", err);
    AUTO(free)
    char *cmdline = image->initrd == NULL ? NULL : file_of_kernel(dir, image->name, "cmdline", err);
    image->cmdline = cmdline == NULL ? NULL : read_cmdline(cmdline, err);
    return image->cmdline != NULL;
}

/* --- one of them ------------------------------------------------------------------------------ */

/* A raw disk has no mark: it is one by its name alone. */
static enum image_kind kind_of(int dir, const char *name, int fd)
{
    char mark[5] = "";
    if (is_folder(fd)) {
        AUTO(free) char *kernel = xasprintf("%s/vmlinuz", name);
        AUTO(fd_close) int found = open_beneath(dir, kernel, O_PATH);
        return found < 0 ? IMAGE_NONE : IMAGE_KERNEL;
    }
    bool is_iso =
        ends_in(name, ".iso") || (pread(fd, mark, sizeof mark, ISO_MARK_AT) == sizeof mark &&
                                  memcmp(mark, "CD001", sizeof mark) == 0);
    if (is_iso) {
        return IMAGE_ISO;
    }
    return qcow2_head(fd).is_qcow2 || ends_in(name, ".qcow2") || ends_in(name, ".raw") ||
                   ends_in(name, ".img")
               ? IMAGE_DISK
               : IMAGE_NONE;
}

/* Opens what is called so in this directory; *ret_kind NONE when there is nothing that it could be.
 */
static int open_image(int dir, const char *name, enum image_kind *ret_kind)
{
    *ret_kind = IMAGE_NONE;
    int fd = name[0] == '.' ? -1 : open_beneath(dir, name, O_RDONLY | O_NONBLOCK);
    if (fd >= 0) {
        *ret_kind = kind_of(dir, name, fd);
    }
    return fd;
}

static bool read_image(const struct lodge_strings *dirs, int dir, int fd, enum image_kind kind,
                       const char *name, struct image *ret_image, struct lodge_error *err)
{
    struct image image = {
        .kind = kind,
        .name = xstrdup(name),
        .path = path_of(fd),
        .size_gib = LODGE_UNKNOWN,
    };
    bool good =
        image.path != NULL || lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "'%s' has no path", name);
    if (good && kind == IMAGE_KERNEL) {
        good = read_kernel(dir, &image, err);
    } else if (good && kind == IMAGE_DISK) {
        good = read_disk(dirs, fd, &image, err);
    } else if (good && !is_file(fd)) {
        good = lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s is no plain file", image.path);
    }
    if (!good) {
        image_clear(&image);
        return false;
    }
    *ret_image = image;
    return true;
}

static int open_library(const char *dir)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool image_find(const struct lodge_strings *dirs, const char *name, enum image_kind kind,
                const char *param, struct image *ret_image, struct lodge_error *err)
{
    assert(!loop_is_current());
    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        return lodge_fail_param(err, param,
                                "'%.60s' is no name in the library: image.list has them", name);
    }
    for (size_t i = 0; i < dirs->count; i++) {
        enum image_kind found = IMAGE_NONE;
        AUTO(fd_close) int dir = open_library(dirs->items[i]);
        AUTO(fd_close) int fd = dir < 0 ? -1 : open_image(dir, name, &found);
        if (fd >= 0 && found == kind) {
            return read_image(dirs, dir, fd, kind, name, ret_image, err);
        }
    }
    return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "the library has no %s '%.60s'",
                      image_kind_name(kind), name);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Once for each directory. A lock and no letter: workers look at the library, several at once. */
static void note_unreadable(const char *dir, int why)
{
    static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
    static struct lodge_strings noted;
    pthread_mutex_lock(&guard);
    if (!lodge_strings_contain(&noted, dir)) {
        if (!lodge_strings_add(&noted, dir)) {
            abort(); /* out of memory, as xmalloc */
        }
        log_warning(LOG_HOST, "the library's folder %s cannot be read: %s", dir, strerror(why));
    }
    pthread_mutex_unlock(&guard);
}

struct shelf {
    size_t dir; /* its place among the directories */
    char *name;
};

struct shelves {
    struct shelf *items;
    size_t count;
};

static int by_name(const void *left, const void *right)
{
    const struct shelf *a = left;
    const struct shelf *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->dir > b->dir) - (a->dir < b->dir);
}

static void collect(const struct lodge_strings *dirs, size_t dir, struct shelves *shelves)
{
    int fd = open_library(dirs->items[dir]);
    AUTO(closedir) DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        note_unreadable(dirs->items[dir], errno);
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        size_t size = (shelves->count + 1) * sizeof *shelves->items;
        shelves->items = xrealloc(shelves->items, size);
        shelves->items[shelves->count++] =
            (struct shelf){.dir = dir, .name = xstrdup(entry->d_name)};
    }
}

/* Is there one of that name and kind in a directory before it, which image_find() takes? */
static bool is_hidden(const struct lodge_strings *dirs, const struct shelf *shelf,
                      enum image_kind kind)
{
    for (size_t i = 0; i < shelf->dir; i++) {
        enum image_kind other = IMAGE_NONE;
        AUTO(fd_close) int dir = open_library(dirs->items[i]);
        AUTO(fd_close) int fd = dir < 0 ? -1 : open_image(dir, shelf->name, &other);
        if (fd >= 0 && other == kind) {
            return true;
        }
    }
    return false;
}

/* What cannot be used is not on offer; image_find() says why. */
static void tell(const struct lodge_strings *dirs, const struct shelf *shelf, image_fn *each,
                 void *data)
{
    struct image image = {0};
    struct lodge_error why = {0};
    enum image_kind kind = IMAGE_NONE;
    AUTO(fd_close) int dir = open_library(dirs->items[shelf->dir]);
    AUTO(fd_close) int fd = dir < 0 ? -1 : open_image(dir, shelf->name, &kind);
    if (fd < 0 || kind == IMAGE_NONE || is_hidden(dirs, shelf, kind)) {
        return;
    }
    if (!read_image(dirs, dir, fd, kind, shelf->name, &image, &why)) {
        log_debug(LOG_HOST, "not in the library: %s", why.message);
        return;
    }
    each(data, &image);
    image_clear(&image);
}

void image_list(const struct lodge_strings *dirs, image_fn *each, void *data)
{
    assert(!loop_is_current());
    struct shelves shelves = {0};
    for (size_t i = 0; i < dirs->count; i++) {
        collect(dirs, i, &shelves);
    }
    if (shelves.count > 0) {
        qsort(shelves.items, shelves.count, sizeof *shelves.items, by_name);
    }
    for (size_t i = 0; i < shelves.count; i++) {
        tell(dirs, &shelves.items[i], each, data);
        free(shelves.items[i].name);
    }
    free(shelves.items);
}
