/*
 * ask_queue: uuids in the order in which they came, taken out from the front; the memory goes when
 * the last has been taken. A host owns its queues. Loop-only, or the worker's whose call has one.
 */
#include "host/ask_queue.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

void ask_queue_add(struct ask_queue *queue, const unsigned char *uuid)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 16 : queue->capacity * 2;
        queue->uuids = xrealloc(queue->uuids, queue->capacity * sizeof *queue->uuids);
    }
    memcpy(queue->uuids[queue->count++], uuid, UUID_SIZE);
}

size_t ask_queue_take(struct ask_queue *queue, unsigned char (*ret_uuids)[UUID_SIZE], size_t most)
{
    size_t left = queue->count - queue->taken;
    size_t count = left < most ? left : most;
    if (count == 0) {
        ask_queue_clear(queue);
        return 0;
    }
    memcpy(ret_uuids, queue->uuids + queue->taken, count * UUID_SIZE);
    queue->taken += count;
    return count;
}

void ask_queue_clear(struct ask_queue *queue)
{
    free(queue->uuids);
    *queue = (struct ask_queue){0};
}
