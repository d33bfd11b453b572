/* uses_desk: where a host's uses are asked for (uses.h); for host.c. Loop-only. */
#ifndef HOST_STORAGE_USES_DESK_H
#define HOST_STORAGE_USES_DESK_H

#include "lodge/error.h"

struct host;

struct uses_desk *uses_desk_new(struct host *host);
void uses_desk_free(struct uses_desk *desk);

/* Whoever waits is told so; what is out comes back to nobody. */
void uses_desk_end(struct uses_desk *desk, enum lodge_error_kind kind, const char *why);

#endif
