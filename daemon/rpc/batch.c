/* batch.c: a batch's entries run one after the other, and its answer is streamed. Loop-only. */
#include "rpc/connection_private.h"
#include "rpc/gate.h"

#include <json-c/json.h>

bool batch_is_open(const struct connection *connection)
{
    return connection->batch.entries != NULL;
}

static void batch_end(struct connection *connection)
{
    struct batch *batch = &connection->batch;
    if (batch->wrote) {
        buffer_add_text(&connection->out, "]\n");
    }
    buffer_add(&connection->out, connection->held.data, connection->held.length);
    buffer_free(&connection->held);
    json_object_put(batch->entries);
    *batch = (struct batch){0};
    for (unsigned i = 0; i < connection->subscriber_count; i++) {
        subscriber_resume(connection->subscribers[i]);
    }
}

void batch_run(struct connection *connection)
{
    struct batch *batch = &connection->batch;
    while (batch->entries != NULL && !batch->waits && !connection->closing &&
           connection_queued(connection) < CONNECTION_UNSENT_MAX &&
           loop_monotonic_ms() <= connection->turn_ends) {
        if (batch->next == json_object_array_length(batch->entries)) {
            batch_end(connection);
            return;
        }
        struct json_object *entry = json_object_array_get_idx(batch->entries, batch->next++);
        batch->waits = true; /* until connection_answer(), which may come before this returns */
        gate_run(connection, entry, true);
    }
}

void batch_begin(struct connection *connection, struct json_object *entries)
{
    struct lodge_error err = {0};
    size_t count = json_object_array_length(entries);
    if (count == 0 || count > CONNECTION_BATCH_MAX) {
        (void)lodge_fail(&err, LODGE_ERROR_REQUEST, "a batch has 1 to %d entries, not %zu",
                         CONNECTION_BATCH_MAX, count);
        gate_refuse(connection, &err);
        return;
    }
    connection->batch = (struct batch){.entries = json_object_get(entries)};
    batch_run(connection);
}
