/* reread: definitions are read again in turn, for what changes without an event. Loop-only. */
#ifndef HOST_REREAD_H
#define HOST_REREAD_H

#include "host/host_private.h"

void reread_start(struct host *host);
void reread_stop(struct host *host);

/* That domain is about to go. */
void reread_forget(struct host *host, const struct domain *domain);

/* For the timer host.reread. */
void reread_look(void *host);

#endif
