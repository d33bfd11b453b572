/*
 * refresh: asking a domain again, alone.
 *
 * An event, a difference, an answer that came too late: each makes one domain be asked again for
 * its state, for its XML or both; many at once share a call's overhead, never their fate.
 * Loop-only.
 */
#ifndef HOST_REFRESH_H
#define HOST_REFRESH_H

#include "host/host_private.h"

void refresh_state(struct host *host, struct domain *domain);
void refresh_definition(struct host *host, struct domain *domain);

/* Forgets all that was to be asked or is out. */
void refresh_reset(struct host *host);

#endif
