/*
 * hung: which guests' QEMU does not answer.
 *
 * virDomainGetControlInfo never blocks: it says whether a guest's monitor is OCCUPIED by a call and
 * since when. A guest in a long job of its own (JOB) is busy, not hung. Loop-only.
 */
#ifndef HOST_HUNG_H
#define HOST_HUNG_H

#include "host/host_private.h"

/* Asks all running guests, or only those that were stuck when last asked. One question at a time: a
 * second one is not sent. Whoever is stuck for 2 s is told, and again when it answers. */
void hung_look(struct host *host, bool at_all);

/* It answers again, is gone or is not running any more. */
void hung_is_over(struct host *host, struct domain *domain);

#endif
