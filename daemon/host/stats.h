/*
 * stats: the counters of all running guests, read at each tick by a call that may be lost in one
 * that hangs (stats.c tells how). Loop-only.
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
