/*
 * chain: walks from an image to what it is based on, link by link, each opened once beneath the
 * library and read by our own code. The links own their descriptors. Blocks: worker-only; what
 * lists found out about tables is kept behind a lock of its own.
 */
#include "host/storage/chain.h"

#include "buffer.h"
#include "host/storage/beneath.h"
#include "host/storage/magic.h"
#include "host/storage/qcow2.h"
#include "loop/loop.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    SECTOR = 512,
    PACKED_MOST = 16, /* times what is on the disk: of clusters, or by the file system */
};

/* --- what was found out about tables ---------------------------------------------------------- */

/* For lists, which everybody may ask for at any time. A lock and no letter: workers look at the
 * library, several at once. */
struct verdict {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec written, changed;
    int64_t data_bytes;
    char why[128]; /* it cannot be used; empty: it can */
};
enum {
    VERDICTS = 1024,
    REST_S = 3, /* more than any file system's clock is coarse, and that of 2 s is FAT's */
};

static pthread_mutex_t verdicts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct verdict verdicts[VERDICTS];

static struct verdict *verdict_place(const struct stat *file)
{
    return &verdicts[(file->st_ino * 31 + file->st_dev) % VERDICTS];
}

static bool is_same_time(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

static bool verdict_recall(const struct stat *file, struct verdict *ret_verdict)
{
    pthread_mutex_lock(&verdicts_lock);
    *ret_verdict = *verdict_place(file);
    pthread_mutex_unlock(&verdicts_lock);
    return ret_verdict->inode == file->st_ino && ret_verdict->device == file->st_dev &&
           ret_verdict->bytes == file->st_size &&
           is_same_time(&ret_verdict->written, &file->st_mtim) &&
           is_same_time(&ret_verdict->changed, &file->st_ctim);
}

static void verdict_keep(const struct stat *file, int64_t data_bytes, const char *why)
{
    struct verdict verdict = {
        .device = file->st_dev,
        .inode = file->st_ino,
        .bytes = file->st_size,
        .written = file->st_mtim,
        .changed = file->st_ctim,
        .data_bytes = data_bytes,
    };
    (void)snprintf(verdict.why, sizeof verdict.why, "%s", why);
    pthread_mutex_lock(&verdicts_lock);
    *verdict_place(file) = verdict;
    pthread_mutex_unlock(&verdicts_lock);
}

/* Whether whatever changes it from now on changes its times: a file that was written a moment ago
 * can be written again within the same tick of its file system's clock. */
static bool is_at_rest(const struct stat *file)
{
    int64_t now = loop_wall_ms() / 1000;
    return file->st_mtim.tv_sec + REST_S <= now && file->st_ctim.tv_sec + REST_S <= now;
}

static bool check_link_tables(const struct chain_link *link, const struct qcow2 *qcow2,
                              bool listing, int64_t *ret_data_bytes, struct lodge_error *err)
{
    struct verdict known = {0};
    struct lodge_error why = {0};
    if (!listing || !verdict_recall(&link->as_found, &known)) {
        known.data_bytes = 0;
        bool is_kept = is_at_rest(&link->as_found); /* as it is before it is read */
        bool good = qcow2_is_whole(link->fd, qcow2, &known.data_bytes, &why);
        (void)snprintf(known.why, sizeof known.why, "%.127s", good ? "" : why.message);
        if (is_kept) {
            verdict_keep(&link->as_found, known.data_bytes, known.why);
        }
    }
    *ret_data_bytes = known.data_bytes;
    return known.why[0] == '\0' || lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%s", known.why);
}

/* --- one image -------------------------------------------------------------------------------- */

static bool is_raw(const struct chain_link *link, struct lodge_error *err)
{
    const char *advice = NULL;
    const char *magic = magic_read(link->fd, link->as_found.st_size, &advice);
    if (magic != NULL) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "it is %s: %s", magic, advice);
    }
    if (link->as_found.st_size == 0) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "it is empty");
    }
    return link->as_found.st_size % SECTOR == 0 ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "it is no raw disk: its size is no multiple of %d bytes", SECTOR);
}

/* Tables can name one cluster a million times, and a file can be a hole: neither is work. */
static int64_t no_more_than_is_there(const struct stat *file, int64_t bytes)
{
    int64_t most = (int64_t)file->st_blocks * SECTOR * PACKED_MOST;
    return bytes < most ? bytes : most;
}

/* *ret_qcow2 stays empty for a raw one. */
static bool read_link(struct chain_link *link, bool listing, struct qcow2 *ret_qcow2,
                      int64_t *ret_data_bytes, struct lodge_error *err)
{
    struct qcow2 qcow2 = {0};
    if (!beneath_take_file(link->fd, &link->as_found, err)) {
        return false;
    }
    link->is_qcow2 = magic_is_qcow2(link->fd);
    if (!link->is_qcow2) {
        *ret_data_bytes = no_more_than_is_there(&link->as_found, link->as_found.st_size);
        return is_raw(link, err);
    }
    if (!qcow2_read(link->fd, link->as_found.st_size, &qcow2, err)) {
        return false;
    }
    if (qcow2.bytes == 0 || !check_link_tables(link, &qcow2, listing, ret_data_bytes, err)) {
        bool is_said = err->kind != LODGE_ERROR_NONE;
        qcow2_clear(&qcow2);
        return is_said ? false : lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "it is empty");
    }
    *ret_data_bytes = no_more_than_is_there(&link->as_found, *ret_data_bytes);
    *ret_qcow2 = qcow2;
    return true;
}

/* --- what it is based on ---------------------------------------------------------------------- */

int chain_open_file(const struct lodge_strings *dirs, const char *path)
{
    int why = EXDEV;
    for (size_t i = 0; i < dirs->count; i++) {
        AUTO(fd_close) int dir = open(dirs->items[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        AUTO(free) char *real = dir < 0 ? NULL : beneath_path(dir);
        size_t length = real == NULL ? 0 : strlen(real);
        if (length == 0 || strncmp(path, real, length) != 0) {
            continue;
        }
        const char *rest = path + length;
        bool is_root = real[length - 1] == '/';
        if (!is_root && *rest != '/') {
            continue;
        }
        int fd = beneath_open(dir, is_root ? rest : rest + 1);
        why = errno;
        if (fd >= 0) {
            return fd;
        }
    }
    errno = why;
    return -1;
}

/* A name may be an address on the network, or a whole description of devices: whatever is no path
 * is outside. Relative ones begin where the image is. */
static char *name_below(const struct chain_link *above, const char *name)
{
    const char *slash = above->path == NULL ? NULL : strrchr(above->path, '/');
    bool is_path = name[0] == '/' || (name[strcspn(name, "/:")] != ':' && slash != NULL);
    if (!is_path) {
        return NULL;
    }
    AUTO(free)
    char *named = name[0] == '/'
                      ? xstrdup(name)
                      : xasprintf("%.*s/%s", (int)(slash - above->path), above->path, name);
    return realpath(named, NULL);
}

static bool open_below(const struct lodge_strings *dirs, struct chain *chain, const char *name,
                       struct lodge_error *err)
{
    const struct chain_link *above = &chain->links[chain->count - 1];
    if (chain->count == CHAIN_MOST) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "it is based on more than %d images, or on itself", CHAIN_MOST - 1);
    }
    AUTO(free) char *path = name_below(above, name);
    int fd = path == NULL ? -1 : chain_open_file(dirs, path);
    if (fd < 0) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "it is based on %.100s, which is not in the library", name);
    }
    chain->links[chain->count++] = (struct chain_link){.fd = fd, .path = beneath_path(fd)};
    return true;
}

/* Of the formats that an image may be based on; a word that is not there, or another, would be for
 * QEMU to guess. */
static bool says_format(const char *said, struct lodge_error *err)
{
    if (said == NULL) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "it does not say the format of what it is based on: qemu-img rebase -u "
                          "-b BASE -F FORMAT writes it down");
    }
    return strcmp(said, "qcow2") == 0 || strcmp(said, "raw") == 0 ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "it is based on an image of format '%s': only qcow2 and raw are taken", said);
}

/* The last link, which is not the first, is what the one above it says. */
static bool is_as_said(const struct chain *chain, const char *said, struct lodge_error *err)
{
    const struct chain_link *link = &chain->links[chain->count - 1];
    const char *found = link->is_qcow2 ? "qcow2" : "raw";
    return strcmp(said, found) == 0 ||
           lodge_fail(err, LODGE_ERROR_UNSUPPORTED, "%.100s is %s, and the image above it says %s",
                      link->path, found, said);
}

/* Link by link, until one is based on nothing. */
static bool read_chain(const struct lodge_strings *dirs, struct chain *chain, bool listing,
                       struct lodge_error *err)
{
    AUTO(free) char *said = NULL;
    for (;;) {
        struct qcow2 qcow2 = {0};
        int64_t data_bytes = 0;
        bool is_first = chain->count == 1;
        struct chain_link *link = &chain->links[chain->count - 1];
        if (!read_link(link, listing, &qcow2, &data_bytes, err)) {
            return is_first ? false : lodge_fail_in(err, "its base %.100s", link->path);
        }
        chain->data_bytes += data_bytes;
        if (is_first) {
            chain->bytes = link->is_qcow2 ? qcow2.bytes : (int64_t)link->as_found.st_size;
        }
        bool good = is_first || is_as_said(chain, said, err);
        bool is_lowest = qcow2.backing == NULL;
        free(said);
        said = TAKE(qcow2.backing_format);
        good = good && (is_lowest ||
                        (says_format(said, err) && open_below(dirs, chain, qcow2.backing, err)));
        qcow2_clear(&qcow2);
        if (!good || is_lowest) {
            return good;
        }
    }
}

bool chain_read(const struct lodge_strings *dirs, int fd, bool listing, struct chain *ret_chain,
                struct lodge_error *err)
{
    struct chain chain = {.count = 1, .links[0] = {.fd = fd, .path = beneath_path(fd)}};
    if (!read_chain(dirs, &chain, listing, err)) {
        const char *path = chain.links[0].path;
        (void)lodge_fail_in(err, "%.200s", path == NULL ? "the image" : path);
        chain_close(&chain);
        return false;
    }
    *ret_chain = chain;
    return true;
}

void chain_close(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        close(chain->links[i].fd);
        free(chain->links[i].path);
    }
    *chain = (struct chain){0};
}

/* --- what a copy needs of it ------------------------------------------------------------------ */

char *chain_describe(const struct chain *chain)
{
    struct buffer text = {0};
    buffer_add_text(&text, "json:");
    for (size_t i = 0; i < chain->count; i++) {
        const struct chain_link *link = &chain->links[i];
        buffer_add_format(&text,
                          "%s{\"driver\":\"%s\",\"file\":{\"driver\":\"file\","
                          "\"filename\":\"/proc/self/fd/%d\"}",
                          i == 0 ? "" : ",\"backing\":", link->is_qcow2 ? "qcow2" : "raw",
                          link->fd);
    }
    if (chain->links[chain->count - 1].is_qcow2) {
        buffer_add_text(&text, ",\"backing\":null");
    }
    for (size_t i = 0; i < chain->count; i++) {
        buffer_add_char(&text, '}');
    }
    char *taken = buffer_take(&text);
    if (taken == NULL) {
        abort(); /* out of memory, as xmalloc */
    }
    return taken;
}

bool chain_is_as_found(const struct chain *chain, bool any, struct lodge_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct chain_link *link = &chain->links[i];
        struct stat now;
        bool is_same = fstat(link->fd, &now) == 0 && now.st_size == link->as_found.st_size &&
                       is_same_time(&now.st_mtim, &link->as_found.st_mtim) &&
                       (!any || is_same_time(&now.st_ctim, &link->as_found.st_ctim));
        if (!is_same) {
            return lodge_fail(err, LODGE_ERROR_CONFLICT,
                              "%s has changed while it was read: try again when it is at rest",
                              link->path == NULL ? "the image" : link->path);
        }
    }
    return true;
}
