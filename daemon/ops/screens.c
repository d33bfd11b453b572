/*
 * screens: the glance that connects. Its result is a descriptor for one caller, so it is never
 * shared.
 */
#include "ops/screens.h"

#include "host/guest/open_screen.h"

static bool look(struct host_conn *conn, const char *uuid, struct glance_result *ret_result,
                 struct lodge_error *err)
{
    ret_result->fd = domain_open_screen(conn, uuid, err);
    return ret_result->fd >= 0;
}

static const struct glance_kind screen = {.noun = "screen", .look = look};

void screens_open(struct ops *ops, const struct glance_at *at, glance_fn *answer, void *data)
{
    glances_take(ops, &screen, at, answer, data);
}
