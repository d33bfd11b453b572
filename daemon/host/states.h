/* states: domains' states, read on workers of the `watch` connection. */
#ifndef HOST_STATES_H
#define HOST_STATES_H

#include "host/host_private.h"

/* Sends what refresh_state() has collected. */
void states_ask(struct host *host);

#endif
