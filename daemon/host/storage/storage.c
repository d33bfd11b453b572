/*
 * storage: checks names, then leaves the work to the back end of the place: libvirt's pools, or a
 * plain directory if it names none.
 *
 * Here too is what both ask of a file: links are never followed, and only a regular file with one
 * name is a volume. Nothing is kept between calls; a place owns its texts.
 */
#include "host/storage/storage.h"
#include "host/storage/storage_private.h"
#include "memory.h"
#include "paths.h"
#include "scope.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_DIR "/var/lib/libvirt/images/lodge"

/* A name is a file's; with ".lock" or the like behind it, too. */
enum { LONGEST_NAME = 200 };

/* --- places ----------------------------------------------------------------------------------- */

static char *default_dir(const struct uri *uri)
{
    if (uri->is_embedded) {
        return xasprintf("%s/disks", uri->root == NULL ? "" : uri->root);
    }
    AUTO(free) char *data = uri->is_session ? path_data_dir(geteuid()) : NULL;
    return data == NULL ? xstrdup(SYSTEM_DIR) : xasprintf("%s/disks", data);
}

void storage_place(const struct host *host, const char *pool, const char *dir,
                   struct storage_place *ret_place)
{
    const char *of_driver = host_uri(host)->is_embedded ? "" : "lodge";
    *ret_place = (struct storage_place){
        .pool = xstrdup(pool == NULL || host_uri(host)->is_embedded ? of_driver : pool),
        .dir = dir == NULL ? default_dir(host_uri(host)) : xstrdup(dir),
    };
    for (size_t end = strlen(ret_place->dir); end > 1 && ret_place->dir[end - 1] == '/'; end--) {
        ret_place->dir[end - 1] = '\0';
    }
}

void storage_place_clear(struct storage_place *place)
{
    free(place->pool);
    free(place->dir);
    *place = (struct storage_place){0};
}

char *storage_path(const struct storage_place *place, const char *name)
{
    return xasprintf("%s/%s", strcmp(place->dir, "/") == 0 ? "" : place->dir, name);
}

/* --- files that can be seen ------------------------------------------------------------------- */

bool storage_sees_files(const struct hand *hand)
{
    return host_uri(hand->host)->is_local && !host_uri(hand->host)->is_test;
}

bool storage_is_seen(const struct hand *hand, const struct storage_place *place)
{
    struct stat there;
    return storage_sees_files(hand) && stat(place->dir, &there) == 0 && S_ISDIR(there.st_mode);
}

/* An inode's number is given to the next file at once; its time of birth is not. */
char *storage_seal(const struct hand *hand, const struct storage_place *place, const char *name)
{
    struct statx file = {0};
    AUTO(free) char *path = storage_path(place, name);
    if (!storage_sees_files(hand) ||
        statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &file) < 0 ||
        !S_ISREG(file.stx_mode)) {
        return NULL;
    }
    return xasprintf("%llu,%lld.%09u %llu %lld.%09u", (unsigned long long)file.stx_ino,
                     (long long)file.stx_btime.tv_sec, file.stx_btime.tv_nsec,
                     (unsigned long long)file.stx_size, (long long)file.stx_mtime.tv_sec,
                     file.stx_mtime.tv_nsec);
}

bool storage_seal_is_broken(const char *before, const char *now)
{
    size_t which = strcspn(before, " ");
    return strncmp(before, now, which + 1) == 0 && strcmp(before, now) != 0;
}

bool storage_file_look(int folder, const char *name, enum storage_file *ret_file,
                       struct lodge_error *err)
{
    struct stat there;
    if (fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        *ret_file = S_ISREG(there.st_mode) && there.st_nlink == 1 ? STORAGE_FILE_VOLUME
                                                                  : STORAGE_FILE_STRANGE;
        return true;
    }
    int why = errno;
    *ret_file = why == EACCES ? STORAGE_FILE_HIDDEN : STORAGE_FILE_ABSENT;
    return why == ENOENT || why == ENOTDIR || why == EACCES ||
           lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot look at %s: %s", name, strerror(why));
}

bool storage_file_must_be_absent(int folder, const char *name, struct lodge_error *err)
{
    enum storage_file file;
    if (!storage_file_look(folder, name, &file, err)) {
        return false;
    }
    return file == STORAGE_FILE_ABSENT || file == STORAGE_FILE_HIDDEN ||
           lodge_fail(err, LODGE_ERROR_EXISTS, "%s is there already", name);
}

bool storage_file_must_not_be_strange(int folder, const char *name, enum storage_file *ret_file,
                                      struct lodge_error *err)
{
    if (!storage_file_look(folder, name, ret_file, err)) {
        return false;
    }
    return *ret_file != STORAGE_FILE_STRANGE ||
           lodge_fail(err, LODGE_ERROR_CONFLICT,
                      "%s is not a plain file with one name: lodge made no such thing, and leaves "
                      "it alone",
                      name);
}

int storage_file_open(int folder, const char *name, int flags, struct lodge_error *err)
{
    AUTO(fd_close) int fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int why = errno;
    struct stat there;
    if (fd < 0) {
        lodge_fail(err, why == ENOENT ? LODGE_ERROR_NOT_FOUND : LODGE_ERROR_HYPERVISOR,
                   "cannot open %s: %s", name, strerror(why));
        errno = why;
        return -1;
    }
    if (fstat(fd, &there) < 0 || !S_ISREG(there.st_mode) || there.st_nlink != 1) {
        lodge_fail(err, LODGE_ERROR_CONFLICT, "%s is not a plain file with one name", name);
        errno = EINVAL;
        return -1;
    }
    int opened = fd;
    fd = -1;
    return opened;
}

bool storage_folder_sync(const char *dir, struct lodge_error *err)
{
    AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return true; /* not ours to open: libvirtd's file system does it in its own time */
    }
    return fsync(fd) == 0 || lodge_fail(err, LODGE_ERROR_HYPERVISOR, "cannot sync %s to disk: %s",
                                        dir, strerror(errno));
}

void storage_add_name(struct lodge_strings *names, const char *name)
{
    if (!lodge_strings_add(names, name)) {
        abort(); /* out of memory, as xmalloc */
    }
}

/* --- one of the two back ends ----------------------------------------------------------------- */

static const struct storage_backend *backend_of(const struct storage_place *place)
{
    assert(!loop_is_current());
    return place->pool[0] == '\0' ? &storage_dir_backend : &storage_pool_backend;
}

/* Names are made here and come back from the store: another one is a mistake, and would be a path.
 */
static bool check_name(const char *name, struct lodge_error *err)
{
    size_t length = strlen(name);
    bool good = length > 0 && length <= LONGEST_NAME && strchr(name, '/') == NULL &&
                strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    return good || lodge_fail(err, LODGE_ERROR_INTERNAL, "'%.60s' is no name for a volume", name);
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

bool storage_is_our_name(const char *name)
{
    enum { UUID_TEXT = 36 };
    for (size_t i = 0; i < UUID_TEXT; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? name[i] != '-'
                 : name[i] == '\0' || strchr("0123456789abcdef", name[i]) == NULL) {
            return false;
        }
    }
    static const char log[] = "-serial.log";
    const char *rest = name + UUID_TEXT;
    if (strncmp(rest, log, sizeof log - 1) == 0) {
        rest += sizeof log - 1;
        size_t number = *rest == '.' ? digits(rest + 1) : 0;
        return *rest == '\0' || (number > 0 && rest[1 + number] == '\0');
    }
    size_t number = *rest == '-' ? digits(rest + 1) : 0;
    const char *end = rest + 1 + number;
    return number > 0 && (strcmp(end, ".qcow2") == 0 || strcmp(end, ".raw") == 0);
}

bool storage_prepare(struct hand *hand, const struct storage_place *place, struct lodge_error *err)
{
    return backend_of(place)->prepare(hand, place, err);
}

bool storage_make(struct hand *hand, const struct storage_place *place, const struct volume *volume,
                  const atomic_bool *cancelled, struct lodge_error *err)
{
    if (!check_name(volume->name, err)) {
        return false;
    }
    if (volume->image != NULL && !host_uri(hand->host)->is_local) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "the library's images cannot be copied to another machine's host");
    }
    return backend_of(place)->make(hand, place, volume, cancelled, err) ||
           lodge_fail_in(err, "making the volume %s", volume->name);
}

bool storage_remove(struct hand *hand, const struct storage_place *place, const char *name,
                    struct storage_removal *removal, struct lodge_error *err)
{
    removal->end = STORAGE_ABSENT;
    removal->is_allowed = false;
    return check_name(name, err) && (backend_of(place)->remove(hand, place, name, removal, err) ||
                                     lodge_fail_in(err, "deleting the volume %s", name));
}

bool storage_grow(struct hand *hand, const struct storage_place *place,
                  const struct volume_growth *growth, int64_t *ret_bytes, struct lodge_error *err)
{
    return check_name(growth->name, err) &&
           (backend_of(place)->grow(hand, place, growth, ret_bytes, err) ||
            lodge_fail_in(err, "growing the volume %s", growth->name));
}

bool storage_list(struct hand *hand, const struct storage_place *place,
                  struct lodge_strings *ret_names, int64_t *ret_free_bytes, struct lodge_error *err)
{
    struct lodge_strings names = {0};
    int64_t bytes = LODGE_UNKNOWN;
    if (!backend_of(place)->list(hand, place, &names, &bytes, err)) {
        lodge_strings_clear(&names);
        return lodge_fail_in(err, "listing the volumes in %s", place->dir);
    }
    *ret_names = names;
    *ret_free_bytes = bytes;
    return true;
}
