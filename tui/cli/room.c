/* room: two questions that are asked of lodged beside the one that matters. Disks are sparse, so
 * more of them than there is room is a warning and no error. No state. */
#include "cli/room.h"

#include "cli/print.h"
#include "lodge/vm.h"
#include "scope.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

enum { ROOM_MS = 2000 }; /* a pool may hang that the call that matters needs not */

/* NULL: it was not answered. The caller puts it. */
static struct json_object *ask_list(struct lodge_client *client, const char *method,
                                    const char *host)
{
    struct lodge_error ignored = {0}; /* the call that matters will say what is wrong */
    AUTO(json_object_put) struct json_object *params = json_object_new_object();
    if (host != NULL) {
        json_object_object_add(params, "host", json_object_new_string(host));
    }
    AUTO(free)
    char *result = lodge_client_call_wait(
        client, method, json_object_to_json_string_ext(params, JSON_C_TO_STRING_PLAIN), ROOM_MS,
        &ignored);
    return result == NULL ? NULL : json_tokener_parse(result);
}

static int64_t number_of(struct json_object *object, const char *member)
{
    struct json_object *number = json_object_object_get(object, member);
    return number == NULL ? LODGE_UNKNOWN : json_object_get_int64(number);
}

static size_t length_of(struct json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

int64_t room_for_image(struct lodge_client *client, const char *image)
{
    AUTO(json_object_put) struct json_object *answer = ask_list(client, "image.list", NULL);
    struct json_object *images = json_object_object_get(answer, "images");
    for (size_t i = 0; i < length_of(images); i++) {
        struct json_object *one = json_object_array_get_idx(images, i);
        const char *name = json_object_get_string(json_object_object_get(one, "name"));
        if (name != NULL && strcmp(name, image) == 0) {
            return number_of(one, "size_gib");
        }
    }
    return LODGE_UNKNOWN;
}

static struct json_object *pool_of_lodge(struct json_object *pools)
{
    for (size_t i = 0; i < length_of(pools); i++) {
        struct json_object *pool = json_object_array_get_idx(pools, i);
        if (json_object_get_boolean(json_object_object_get(pool, "ours"))) {
            return pool;
        }
    }
    return NULL;
}

bool room_weigh(struct lodge_client *client, const char *host, struct json_object *disks,
                const char *subject)
{
    int64_t asked = 0;
    for (size_t i = 0; i < length_of(disks); i++) {
        asked += number_of(json_object_array_get_idx(disks, i), "size_gib");
    }
    if (asked <= 0) {
        return true;
    }
    AUTO(json_object_put) struct json_object *answer = ask_list(client, "pool.list", host);
    struct json_object *pool = pool_of_lodge(json_object_object_get(answer, "pools"));
    int64_t free_gib = number_of(pool, "free_gib");
    if (free_gib != LODGE_UNKNOWN && asked > free_gib) {
        print_text(stderr,
                   "lodge: %s: its disks may grow to %" PRId64 " GiB, and pool '%s' has %" PRId64
                   " GiB free: when it is full, guests stop\n",
                   subject, asked, json_object_get_string(json_object_object_get(pool, "name")),
                   free_gib);
    }
    return answer == NULL || free_gib != LODGE_UNKNOWN;
}
