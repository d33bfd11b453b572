/* domain_report: what is told of a domain, and when all have been told. Loop-only. */
#ifndef HOST_DOMAIN_REPORT_H
#define HOST_DOMAIN_REPORT_H

#include "host/host_private.h"

/* A domain's state as libvirt gave it. `name` is borrowed, may be NULL. */
struct state_answer {
    int state;
    int reason;
    const char *name;
    int64_t run; /* as domain.run */
    bool persistent;
    enum lodge_flag autostart;
};

/* Tells it if it differs from what was told, or `anew`. */
void domain_report_state(struct host *host, struct domain *domain,
                         const struct state_answer *answer, bool anew);

/* Only that it is there, unless that is known. */
void domain_report_name(struct host *host, struct domain *domain, const char *name);

/* Removes the domain. */
void domain_report_gone(struct host *host, struct domain *domain);

/* Says so if nothing is lacking any more. */
void domain_report_synced(struct host *host);

/* Since the connection came up, the domain has been told. Says `synced` after the last one. */
void domain_state_is_known(struct host *host, struct domain *domain);
void domain_definition_is_known(struct host *host, struct domain *domain);

#endif
