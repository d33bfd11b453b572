/* ask_queue: domains that are to be asked next. */
#ifndef HOST_ASK_QUEUE_H
#define HOST_ASK_QUEUE_H

#include "host/domains.h"

/* Domains to be asked next, by uuid: whoever is gone by then is left out. */
struct ask_queue {
    unsigned char (*uuids)[UUID_SIZE];
    size_t taken, count, capacity;
};

void ask_queue_add(struct ask_queue *queue, const unsigned char *uuid);

/* Moves up to `most` uuids out, the oldest first; returns how many. */
size_t ask_queue_take(struct ask_queue *queue, unsigned char (*ret_uuids)[UUID_SIZE], size_t most);
void ask_queue_clear(struct ask_queue *queue);

#endif
