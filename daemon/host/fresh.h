/* fresh: a domain is read anew for somebody who waits for what is so now. Loop-only. */
#ifndef HOST_FRESH_H
#define HOST_FRESH_H

#include "host/host_private.h"

/* An answer about the domain's state, or its definition, was told, and is not older than its last
 * question. */
void fresh_has_state(struct host *host, const struct domain *domain);
void fresh_has_definition(struct host *host, const struct domain *domain);

/* libvirt cannot tell its state or its definition. */
void fresh_failed(struct host *host, const struct domain *domain, const struct lodge_error *error);

/* That it is gone was told: there is nothing more to be told of it. */
void fresh_is_gone(struct host *host, const unsigned char *uuid);

/* Answers all that are open with this error. */
void fresh_end(struct host *host, enum lodge_error_kind kind, const char *why);

/* For the timer host.fresh_timer. */
void fresh_look(void *host);

#endif
