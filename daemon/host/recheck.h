/*
 * recheck: lists by state, every sync.interval_s, that must find nothing.
 *
 * They are priority calls, which libvirtd answers even when all its workers are stuck. A difference
 * is not believed at once: the event may be on its way. What still differs after a second without
 * an event is asked again, alone; if that changes anything it is counted as repaired.
 */
#ifndef HOST_RECHECK_H
#define HOST_RECHECK_H

#include "host/host_private.h"

/* All loop-only. */
void recheck_start(struct host *host);
void recheck_stop(struct host *host);

/* For the timers of host.recheck and host.doubt. */
void recheck_ask(struct host *host);
void recheck_doubts(void *host);

#endif
