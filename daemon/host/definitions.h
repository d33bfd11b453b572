/* definitions: domains' XML, read and parsed on workers of the `sync` connection. */
#ifndef HOST_DEFINITIONS_H
#define HOST_DEFINITIONS_H

#include "host/host_private.h"

/* Sends what refresh_definition() has collected. */
void definitions_ask(struct host *host);

/* Reads those of a whole list in batches. Takes the domains over; the array stays the caller's. */
void definitions_read(struct host *host, virDomainPtr *domains, size_t count);

#endif
