/*
 * stats: one lane reads the counters of all running guests, a spare one stands by.
 *
 * A guest whose QEMU hangs keeps the call that asked it for as long as it hangs. That call's lane
 * is lost when its time is up; the spare takes over in the same second, since libvirt leaves out a
 * guest that somebody else is waiting for. Each lane has a connection of its own, so that what is
 * lost on it holds up nothing else. Loop-only.
 */
#ifndef HOST_STATS_H
#define HOST_STATS_H

#include "host/host_private.h"

/* When the connection with events is up; does nothing where the driver has no counters. */
void stats_start(struct host *host);

/* What is out is not waited for. */
void stats_stop(struct host *host);

unsigned stats_lanes_lost(const struct host *host);

#endif
