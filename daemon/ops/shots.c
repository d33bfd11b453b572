/*
 * shots: the glance that takes a picture. Its worker writes the PNG as base64, once for all
 * callers.
 */
#include "ops/shots.h"

#include "base64.h"
#include "host/guest/screenshot.h"

static bool look(struct host_conn *conn, const char *uuid, struct glance_result *ret_result,
                 struct lodge_error *err)
{
    struct buffer png = {0};
    bool good = domain_screenshot(conn, uuid, &png, err);
    if (good) {
        base64_write(&ret_result->base64, png.data, png.length);
        good = !ret_result->base64.failed || lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    }
    buffer_free(&png);
    return good;
}

/* Each caller has a copy of up to 22 MiB coming. */
static const struct glance_kind picture = {.noun = "picture", .is_shared = true, .look = look};

void shots_take(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data)
{
    glances_take(ops, &picture, at, answer, data);
}
