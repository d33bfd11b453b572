/* readings: the readings (reading.h) of a host, as the rest of this folder sees them. Loop-only. */
#ifndef HOST_READINGS_H
#define HOST_READINGS_H

#include "host/host_private.h"

/* What is out on this `read` connection, which is gone, counts for nothing: who waits is told. */
void readings_lost(struct host *host, enum channel_name channel);

/* Answers all with this error; their calls may still be out. */
void readings_end(struct host *host, enum lodge_error_kind kind, const char *why);

/* For host.readings_timer, and host.readings_next: others may be out now. */
void readings_tick(void *host);
void readings_look(void *host);

#endif
