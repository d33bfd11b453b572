/* batch.c: all of a batch is parsed before any of it runs; then its entries run one after the
 * other, each parsed again for that, and its answer is streamed. Loop-only. */
#include "rpc/connection_private.h"
#include "rpc/long_line.h"

#include "memory.h"

#include <json-c/json.h>
#include <stdlib.h>

bool batch_is_open(const struct connection *connection)
{
    return connection->batch != NULL;
}

void batch_free(struct connection *connection)
{
    if (connection->batch != NULL) {
        free(connection->batch->text);
        free(connection->batch);
        connection->batch = NULL;
    }
}

/* What was held back goes out; and events again, when its line is done (connection_go_on). */
static void batch_end(struct connection *connection)
{
    if (connection->batch->wrote) {
        buffer_add_text(&connection->out, "]\n");
    }
    buffer_add(&connection->out, connection->held.data, connection->held.length);
    buffer_free(&connection->held);
    batch_free(connection);
}

/* The entry that is `which`; false: it goes on in another turn. */
static bool parse_entry(struct connection *connection, size_t which, struct json_object **ret_entry,
                        struct lodge_error *err)
{
    const struct jsonrpc_batch *cut = &connection->batch->cut;
    size_t length = cut->lengths[which];
    if (long_line_is_short(length)) {
        *ret_entry = long_line_parse_short(connection, cut->entries[which], length, err);
        return true;
    }
    if (!long_line_is_open(connection)) {
        long_line_begin(connection, cut->entries[which], cut->lengths[which], false);
    }
    return long_line_parse(connection, ret_entry, &length, err);
}

/* One that is no JSON refuses the whole; one that is `null` is refused when it is its turn. Returns
 * whether it came to an end. */
static bool check_next(struct connection *connection)
{
    struct batch *batch = connection->batch;
    struct lodge_error err = {0};
    struct json_object *entry = NULL;
    if (!parse_entry(connection, batch->checked, &entry, &err)) {
        return false;
    }
    json_object_put(entry);
    if (entry == NULL && err.kind == LODGE_ERROR_PARSE) {
        (void)lodge_fail_in(&err, "entry %zu of a batch", batch->checked + 1);
        connection_fail(connection, &err);
        batch_end(connection);
        return true;
    }
    batch->checked++;
    return true;
}

static bool run_next(struct connection *connection)
{
    struct batch *batch = connection->batch;
    struct lodge_error err = {0};
    struct json_object *entry = NULL;
    if (!parse_entry(connection, batch->next, &entry, &err)) {
        return false;
    }
    size_t length = batch->cut.lengths[batch->next++];
    batch->waits = true; /* until connection_answer(), which may come before this returns */
    connection->owner->request(connection->owner, connection, entry, length, true);
    json_object_put(entry);
    return true;
}

/* Returns whether there may be more to do now. */
static bool batch_step(struct connection *connection)
{
    const struct batch *batch = connection->batch;
    if (batch->checked < batch->cut.count) {
        return check_next(connection);
    }
    if (batch->next < batch->cut.count) {
        return run_next(connection);
    }
    batch_end(connection);
    return false;
}

void batch_run(struct connection *connection)
{
    while (!connection->batch->waits && connection->phase != CONNECTION_CLOSING &&
           connection_queued(connection) < CONNECTION_UNSENT_MAX &&
           !account_is_over(connection->place.account) && batch_step(connection) &&
           batch_is_open(connection)) {
    }
}

void batch_begin(struct connection *connection, const char *line, size_t length)
{
    struct lodge_error err = {0};
    struct batch *batch = xcalloc(1, sizeof *batch);
    connection->batch = batch;
    batch->text = xstrdup(line);
    batch->bytes = length + sizeof *batch;
    if (!jsonrpc_cut(batch->text, &batch->cut, &err)) {
        batch_free(connection);
        connection_fail(connection, &err);
    }
}
