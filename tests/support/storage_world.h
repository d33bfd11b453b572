/* storage_world: a connection to a host, and a place for volumes in a folder of its own. */
#ifndef TESTS_SUPPORT_STORAGE_WORLD_H
#define TESTS_SUPPORT_STORAGE_WORLD_H

#include "host/host_conn.h"
#include "host/host_private.h"
#include "host/storage/storage.h"
#include "host/storage/uses_private.h"
#include "support/folder_world.h"
#include "support/test.h"

#define A_UUID "00000000-0000-4000-8000-000000000001"
#define A_VOLUME A_UUID "-0.qcow2"
#define A_RAW_VOLUME A_UUID "-1.raw"

static struct host host;
static struct host_conn conn = {.host = &host};
static struct storage_place place;

static void host_is(const char *uri)
{
    static char name[] = "local";
    uri_clear(&host.uri);
    uri_read(&host.uri, uri);
    host.name = name;
}

/* On a host whose domains use nothing. */
__attribute__((unused)) static bool remove_it(const char *name, bool *ret_was_there,
                                              struct lodge_error *err)
{
    struct uses *nobody = uses_new();
    struct storage_removal removal = {.uses = nobody, .is_own = true};
    bool good = storage_remove(&conn, &place, name, &removal, err);
    uses_release(nobody);
    if (good) {
        *ret_was_there = removal.end == STORAGE_REMOVED;
    }
    return good;
}

/* A volume's format is what our record says; here it is what the name ends in. */
__attribute__((unused)) static bool grow_it(const char *name, int64_t size_gib,
                                            struct lodge_error *err)
{
    int64_t bytes = 0;
    const char *dot = strrchr(name, '.');
    const char *format = dot != NULL && strcmp(dot, ".qcow2") == 0 ? "qcow2" : "raw";
    const struct volume_growth growth = {.name = name, .format = format, .size_gib = size_gib};
    bool good = storage_grow(&conn, &place, &growth, &bytes, err);
    assert_true(!good || bytes >= size_gib << 30);
    return good;
}

static int place_remove(void **state)
{
    storage_place_clear(&place);
    uri_clear(&host.uri);
    return folder_remove(state);
}

/* What `path` is said to be, whatever it is: an image that is based on nothing. */
static inline const struct chain *image_of(const char *path, bool is_qcow2)
{
    static struct chain chain;
    chain_close(&chain);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    chain = (struct chain){.count = 1, .links[0] = {.fd = fd, .is_qcow2 = is_qcow2}};
    assert_int_equal(fstat(fd, &chain.links[0].as_found), 0);
    return &chain;
}

#endif
