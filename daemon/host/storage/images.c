/*
 * images: a name is opened beneath a directory of the library (openat2), and what is to be known of
 * it is read through the open file: its kind by its content, its path, its chain of backing files.
 *
 * A disk image may name other files: what it is based on must be in the library, each file of a
 * chain is looked at before qemu-img sees it, and data files of their own are refused. On workers;
 * all that is kept between calls is which directories could not be read, under a lock.
 */
#include "host/storage/images.h"
#include "host/storage/beneath.h"
#include "host/storage/chain.h"
#include "host/storage/iso.h"
#include "host/storage/magic.h"
#include "lodge/vm.h"
#include "log.h"
#include "loop/loop.h"
#include "memory.h"
#include "plain.h"
#include "scope.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LONGEST_CMDLINE = 2048, /* x86's limit of a kernel's command line */
    ISO_MAGIC_AT = 32769,   /* "CD001" in the first volume descriptor */
    MOST_NOTES = 256,       /* of what is said once */
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

static bool name_ends_in(const char *name, const char *end)
{
    size_t length = strlen(name);
    size_t end_length = strlen(end);
    return length > end_length && strcasecmp(name + length - end_length, end) == 0;
}

/* --- disks ------------------------------------------------------------------------------------ */

/* Takes `fd`. What is called a qcow2 image is one, or has not come to its end, or is no disk. */
static bool open_disk(const struct lodge_strings *dirs, int fd, const char *name, bool listing,
                      struct chain *ret_chain, struct lodge_error *err)
{
    if (!chain_read(dirs, fd, listing, ret_chain, err)) {
        return false;
    }
    if (ret_chain->links[0].is_qcow2 || !name_ends_in(name, ".qcow2")) {
        return true;
    }
    chain_close(ret_chain);
    return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%.200s: it is no qcow2 image", name);
}

static bool read_disk_image(const struct lodge_strings *dirs, int fd, bool listing,
                            struct image *image, struct lodge_error *err)
{
    struct chain chain = {0};
    if (!open_disk(dirs, fd, image->name, listing, &chain, err)) {
        return false;
    }
    image->size_gib = (chain.bytes + GIB - 1) / GIB;
    image->format = xstrdup(chain.links[0].is_qcow2 ? "qcow2" : "raw");
    chain_close(&chain);
    return true;
}

bool image_open(const struct lodge_strings *dirs, const char *path, struct chain *ret_chain,
                struct lodge_error *err)
{
    assert(!loop_is_current());
    int fd = chain_open_file(dirs, path);
    if (fd < 0) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "the library has no %s any more", path);
    }
    return open_disk(dirs, fd, path, false, ret_chain, err);
}

/* --- kernels ---------------------------------------------------------------------------------- */

/* Opened, with its path; -1 with the error. */
static int open_of_kernel(int dir, const char *name, const char *file, char **ret_path,
                          struct lodge_error *err)
{
    struct stat info;
    AUTO(free) char *inside = xasprintf("%s/%s", name, file);
    AUTO(fd_close) int fd = beneath_open(dir, inside);
    AUTO(free) char *path = fd < 0 || !beneath_is_file(fd, &info) ? NULL : beneath_path(fd);
    if (path == NULL || !text_is_plain(path)) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "the kernel '%s' has no file %s", name, file);
        return -1;
    }
    int opened = fd;
    fd = -1;
    *ret_path = TAKE(path);
    return opened;
}

static char *file_of_kernel(int dir, const char *name, const char *file, struct lodge_error *err)
{
    char *path = NULL;
    AUTO(fd_close) int fd = open_of_kernel(dir, name, file, &path, err);
    return fd < 0 ? NULL : path;
}

static char *read_cmdline(int dir, const char *name, struct lodge_error *err)
{
    char line[LONGEST_CMDLINE + 2];
    AUTO(free) char *path = NULL;
    AUTO(fd_close) int fd = open_of_kernel(dir, name, "cmdline", &path, err);
    if (fd < 0) {
        return NULL;
    }
    ssize_t length = pread(fd, line, sizeof line - 1, 0);
    if (length < 0) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s: %s", path, strerror(errno));
        return NULL;
    }
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == ' ')) {
        length--;
    }
    line[length] = '\0';
    if (length > LONGEST_CMDLINE || strlen(line) != (size_t)length || !text_is_plain(line)) {
        lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                   "%s is not one line of at most %d bytes, without control characters", path,
                   LONGEST_CMDLINE);
        return NULL;
    }
    return xstrdup(line);
}

static bool read_kernel(int dir, struct image *image, struct lodge_error *err)
{
    free(image->path);
    image->path = file_of_kernel(dir, image->name, "vmlinuz", err);
    image->initrd = image->path == NULL ? NULL : file_of_kernel(dir, image->name, "initrd", err);
    image->cmdline = image->initrd == NULL ? NULL : read_cmdline(dir, image->name, err);
    return image->cmdline != NULL;
}

/* --- one of them ------------------------------------------------------------------------------ */

/* A raw disk has no magic bytes: it is one by its name alone. */
static enum image_kind image_kind_of(int dir, const char *name, int fd)
{
    char magic[5] = "";
    if (beneath_is_folder(fd)) {
        AUTO(free) char *kernel = xasprintf("%s/vmlinuz", name);
        AUTO(fd_close) int found = beneath_open(dir, kernel);
        return found < 0 ? IMAGE_NONE : IMAGE_KERNEL;
    }
    bool is_iso = name_ends_in(name, ".iso") ||
                  (pread(fd, magic, sizeof magic, ISO_MAGIC_AT) == sizeof magic &&
                   memcmp(magic, "CD001", sizeof magic) == 0);
    if (is_iso) {
        return IMAGE_ISO;
    }
    return magic_is_qcow2(fd) || name_ends_in(name, ".qcow2") || name_ends_in(name, ".raw") ||
                   name_ends_in(name, ".img")
               ? IMAGE_DISK
               : IMAGE_NONE;
}

/* Opens what is called so in this directory; *ret_kind NONE when there is nothing that it could be.
 */
static int open_image(int dir, const char *name, enum image_kind *ret_kind)
{
    *ret_kind = IMAGE_NONE;
    int fd = beneath_open(dir, name);
    if (fd >= 0) {
        *ret_kind = image_kind_of(dir, name, fd);
    }
    return fd;
}

/* What to look for, and where. */
struct search {
    const struct lodge_strings *dirs;
    int dir; /* the one that has it */
    bool listing;
};

static bool fill_image(const struct search *search, int fd, struct image *image,
                       struct lodge_error *err)
{
    if (image->path == NULL || !text_is_plain(image->path)) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "'%s' has no path that can be passed on",
                          image->name);
    }
    switch (image->kind) {
    case IMAGE_KERNEL:
        return read_kernel(search->dir, image, err);
    case IMAGE_DISK:
        return read_disk_image(search->dirs, fcntl(fd, F_DUPFD_CLOEXEC, 0), search->listing, image,
                               err);
    case IMAGE_ISO:
    case IMAGE_NONE:
        break;
    }
    return iso_check(fd, err) || lodge_fail_in(err, "%.200s", image->path);
}

static bool read_image(const struct search *search, int fd, enum image_kind kind, const char *name,
                       struct image *ret_image, struct lodge_error *err)
{
    struct image image = {
        .kind = kind,
        .name = xstrdup(name),
        .path = beneath_path(fd),
        .size_gib = LODGE_UNKNOWN,
    };
    if (!fill_image(search, fd, &image, err)) {
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

/* A file whose name and content make it no image. */
static bool explain_file(int fd, const struct stat *info, const char *name, const char *kind,
                         struct lodge_error *err)
{
    const char *advice = NULL;
    const char *magic = magic_read(fd, info->st_size, &advice);
    if (magic == NULL) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "'%.60s' in the library is no %s by its name: disk images end in .qcow2, "
                          ".raw or .img, ISOs in .iso",
                          name, kind);
    }
    return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "'%.60s' in the library is no %s: it is %s: %s",
                      name, kind, magic, advice);
}

/* Something is called so, and is not what was asked for: why. Nothing is said of nothing. */
static void explain(int fd, const char *name, enum image_kind wanted, enum image_kind found,
                    struct lodge_error *err)
{
    static const char *const others[] = {
        [IMAGE_NONE] = "neither a file nor a kernel",
        [IMAGE_DISK] = "a disk image",
        [IMAGE_ISO] = "an ISO",
        [IMAGE_KERNEL] = "a kernel",
    };
    int why = errno;
    struct stat info;
    bool good = true;
    const char *kind = image_kind_name(wanted);
    if (fd < 0 && why == ENOENT) {
        return;
    }
    if (fd < 0 && (why == EXDEV || why == ELOOP)) {
        good = lodge_fail(err, LODGE_ERROR_NOT_FOUND,
                          "the library has no %s '%.60s': what is called so leads out of it", kind,
                          name);
    } else if (fd < 0) {
        good = lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "'%.60s' in the library cannot be read: %s",
                          name, strerror(why));
    } else if (found != IMAGE_NONE || !beneath_is_file(fd, &info)) {
        good = lodge_fail(err, LODGE_ERROR_NOT_FOUND, "the library has no %s '%.60s': that is %s",
                          kind, name, others[found]);
    } else {
        good = explain_file(fd, &info, name, kind, err);
    }
    (void)good; /* it never is */
}

static bool check_image_name(const char *name, enum image_kind kind, const char *param,
                             struct lodge_error *err)
{
    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0 || !text_is_plain(name)) {
        return lodge_fail_param(
            err, param, "'%.60s' is no name in the library; image.list names those there are",
            name);
    }
    return name[0] != '.' ||
           lodge_fail(err, LODGE_ERROR_NOT_FOUND,
                      "the library has no %s '%.60s': names that begin with a dot are not in it",
                      image_kind_name(kind), name);
}

bool image_find(const struct lodge_strings *dirs, const char *name, enum image_kind kind,
                const char *param, struct image *ret_image, struct lodge_error *err)
{
    assert(!loop_is_current());
    struct lodge_error first = {0}; /* of what is called so and is none */
    if (!check_image_name(name, kind, param, err)) {
        return false;
    }
    for (size_t i = 0; i < dirs->count; i++) {
        enum image_kind found = IMAGE_NONE;
        AUTO(fd_close) int dir = open_library(dirs->items[i]);
        AUTO(fd_close) int fd = dir < 0 ? -1 : open_image(dir, name, &found);
        if (fd >= 0 && found == kind) {
            struct search search = {.dirs = dirs, .dir = dir};
            return read_image(&search, fd, kind, name, ret_image, err);
        }
        if (dir >= 0 && first.kind == LODGE_ERROR_NONE) {
            explain(fd, name, kind, found, &first);
        }
    }
    if (first.kind != LODGE_ERROR_NONE) {
        *err = first;
        return false;
    }
    return lodge_fail(err, LODGE_ERROR_NOT_FOUND,
                      "the library has no %s '%.60s'; image.list names those there are",
                      image_kind_name(kind), name);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Has this not been said? A lock and no letter: workers look at the library, several at once. */
static bool is_said_first(const char *what)
{
    static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
    static struct lodge_strings noted;
    pthread_mutex_lock(&guard);
    bool is_new = noted.count < MOST_NOTES && !lodge_strings_contain(&noted, what);
    if (is_new && !lodge_strings_add(&noted, what)) {
        abort(); /* out of memory, as xmalloc */
    }
    pthread_mutex_unlock(&guard);
    return is_new;
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

/* Not a hidden one, nor one that no call and no list could carry as it is. */
static bool can_be_said(const char *dir, const char *name)
{
    if (name[0] == '.') {
        return false;
    }
    if (text_is_plain(name)) {
        return true;
    }
    AUTO(free) char *path = xasprintf("%s/%s", dir, name);
    if (is_said_first(path)) {
        log_warning(LOG_HOST,
                    "%s is not in the library: its name is not UTF-8, or has characters that "
                    "cannot be seen",
                    path);
    }
    return false;
}

static void shelves_collect(const struct lodge_strings *dirs, size_t dir, struct shelves *shelves)
{
    int fd = open_library(dirs->items[dir]);
    AUTO(closedir) DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        int why = errno;
        if (is_said_first(dirs->items[dir])) {
            log_warning(LOG_HOST, "the library's folder %s cannot be read: %s", dirs->items[dir],
                        strerror(why));
        }
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!can_be_said(dirs->items[dir], entry->d_name)) {
            continue;
        }
        size_t size = (shelves->count + 1) * sizeof *shelves->items;
        shelves->items = xrealloc(shelves->items, size);
        shelves->items[shelves->count++] =
            (struct shelf){.dir = dir, .name = xstrdup(entry->d_name)};
    }
}

/* Is there one of that name and kind in a directory before it, which image_find() takes? */
static bool image_is_hidden(const struct lodge_strings *dirs, const struct shelf *shelf,
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
static void tell_image(const struct lodge_strings *dirs, const struct shelf *shelf, image_fn *each,
                       void *data)
{
    struct image image = {0};
    struct lodge_error why = {0};
    enum image_kind kind = IMAGE_NONE;
    AUTO(fd_close) int dir = open_library(dirs->items[shelf->dir]);
    AUTO(fd_close) int fd = dir < 0 ? -1 : open_image(dir, shelf->name, &kind);
    struct search search = {.dirs = dirs, .dir = dir, .listing = true};
    if (fd < 0 || kind == IMAGE_NONE || image_is_hidden(dirs, shelf, kind)) {
        return;
    }
    if (!read_image(&search, fd, kind, shelf->name, &image, &why)) {
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
        shelves_collect(dirs, i, &shelves);
    }
    if (shelves.count > 0) {
        qsort(shelves.items, shelves.count, sizeof *shelves.items, by_name);
    }
    for (size_t i = 0; i < shelves.count; i++) {
        tell_image(dirs, &shelves.items[i], each, data);
        free(shelves.items[i].name);
    }
    free(shelves.items);
}
