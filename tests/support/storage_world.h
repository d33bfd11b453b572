/* storage_world: a hand on a host, and a place for volumes in a folder of its own. */
#ifndef TESTS_SUPPORT_STORAGE_WORLD_H
#define TESTS_SUPPORT_STORAGE_WORLD_H

#include "host/hand_private.h"
#include "host/parts.h"
#include "host/storage.h"
#include "host/uses_private.h"
#include "support/folder_world.h"
#include "support/test.h"

#define A_UUID "00000000-0000-4000-8000-000000000001"
#define A_VOLUME A_UUID "-0.qcow2"
#define A_RAW_VOLUME A_UUID "-1.raw"

static struct host host;
static struct hand hand = {.host = &host};
static struct storage_place place;

static void host_is(const char *uri)
{
    static char name[] = "local";
    uri_clear(&host.uri);
    uri_read(&host.uri, uri);
    host.name = name;
}

/* On a host whose domains use nothing. */
static inline bool remove_it(const char *name, bool *ret_was_there, struct lodge_error *err)
{
    struct uses *nobody = uses_new();
    struct storage_removal removal = {.uses = nobody, .takes_old = true};
    bool good = storage_remove(&hand, &place, name, &removal, err);
    uses_release(nobody);
    if (good) {
        *ret_was_there = removal.end == STORAGE_REMOVED;
    }
    return good;
}

static int place_remove(void **state)
{
    storage_place_clear(&place);
    uri_clear(&host.uri);
    return folder_remove(state);
}

#endif
