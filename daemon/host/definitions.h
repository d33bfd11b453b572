/* definitions: domains' XML, read and parsed on workers of the `sync` connection. */
#ifndef HOST_DEFINITIONS_H
#define HOST_DEFINITIONS_H

#include "host/host_private.h"

/* Sends what refresh_definition() has collected. */
void definitions_ask(struct host *host);

/* A domain of a list, with its uuid: libvirt formats a line for its log whenever that is asked. */
struct listed_domain {
    unsigned char uuid[UUID_SIZE]; /* first: lists are sorted by it */
    virDomainPtr domain;
};

/* Reads those of a whole list in batches. Takes the domains over; the array stays the caller's. */
void definitions_read(struct host *host, struct listed_domain *listed, size_t count);

#endif
