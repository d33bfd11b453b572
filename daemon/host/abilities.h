/*
 * abilities: what a host's driver can do, asked once after each connect.
 *
 * By the driver's kind and cheap calls only. Never virConnectGetCapabilities: a cold embedded
 * driver takes 5 s for it, and nothing of it is in the first picture.
 */
#ifndef HOST_ABILITIES_H
#define HOST_ABILITIES_H

#include "host/host_private.h"

/* Asks, and reports `abilities`. Loop-only. */
void abilities_ask(struct host *host);

/* Does the driver count what running guests use? By its kind: it is never asked. */
bool abilities_have_stats(const struct uri *uri);

#endif
