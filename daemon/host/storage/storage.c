/*
 * storage: checks names, then leaves the work to the back end of the place: libvirt's pools, or a
 * plain directory if it names none. Both stand on storage_place.c and storage_file.c, and know
 * nothing of this file. Nothing is kept between calls.
 */
#include "host/storage/storage.h"
#include "host/storage/storage_private.h"

#include <assert.h>
#include <string.h>

/* A name is a file's; with ".lock" or the like behind it, too. */
enum { LONGEST_NAME = 200 };

static const struct storage_backend *backend_of(const struct storage_place *place)
{
    assert(!loop_is_current());
    return place->pool[0] == '\0' ? &storage_dir_backend : &storage_pool_backend;
}

/* Names are made here and come back from the store: another one is a mistake, and would be a path.
 */
static bool check_volume_name(const char *name, struct lodge_error *err)
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

bool storage_prepare(struct host_conn *conn, const struct storage_place *place,
                     struct lodge_error *err)
{
    return backend_of(place)->prepare(conn, place, err);
}

bool storage_make(struct host_conn *conn, const struct storage_place *place,
                  const struct volume *volume, const atomic_bool *cancelled,
                  struct lodge_error *err)
{
    if (!check_volume_name(volume->name, err)) {
        return false;
    }
    if (volume->image != NULL && !host_uri(conn->host)->is_local) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "the library's images cannot be copied to another machine's host");
    }
    return backend_of(place)->make(conn, place, volume, cancelled, err) ||
           lodge_fail_in(err, "making the volume %s", volume->name);
}

bool storage_remove(struct host_conn *conn, const struct storage_place *place, const char *name,
                    struct storage_removal *removal, struct lodge_error *err)
{
    removal->end = STORAGE_ABSENT;
    removal->is_allowed = false;
    return check_volume_name(name, err) &&
           (backend_of(place)->remove(conn, place, name, removal, err) ||
            lodge_fail_in(err, "deleting the volume %s", name));
}

bool storage_grow(struct host_conn *conn, const struct storage_place *place,
                  const struct volume_growth *growth, int64_t *ret_bytes, struct lodge_error *err)
{
    return check_volume_name(growth->name, err) &&
           (backend_of(place)->grow(conn, place, growth, ret_bytes, err) ||
            lodge_fail_in(err, "growing the volume %s", growth->name));
}

bool storage_list(struct host_conn *conn, const struct storage_place *place,
                  struct lodge_strings *ret_names, int64_t *ret_free_bytes, struct lodge_error *err)
{
    struct lodge_strings names = {0};
    int64_t bytes = LODGE_UNKNOWN;
    if (!backend_of(place)->list(conn, place, &names, &bytes, err)) {
        lodge_strings_clear(&names);
        return lodge_fail_in(err, "listing the volumes in %s", place->dir);
    }
    *ret_names = names;
    *ret_free_bytes = bytes;
    return true;
}
