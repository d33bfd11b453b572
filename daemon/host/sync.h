/* sync: everything at once, after each connect: names, states, then XML in batches. */
#ifndef HOST_SYNC_H
#define HOST_SYNC_H

#include "host/host_private.h"

/* Loop-only. What is out from before is not waited for: its answers count for nothing. */
void sync_start(struct host *host);

#endif
