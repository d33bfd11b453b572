/*
 * look: what is told of a domain, and asking one again, alone.
 *
 * An event, a difference, an answer that came too late: each makes one domain be asked again for
 * its state, for its XML or both; many at once share a call's overhead, never their fate.
 */
#ifndef HOST_LOOK_H
#define HOST_LOOK_H

#include "host/parts.h"

/* A domain's state as libvirt gave it. `name` is borrowed, may be NULL. */
struct state_answer {
    int state;
    int reason;
    const char *name;
    int64_t run; /* as domain.run */
    bool persistent;
    enum lodge_flag autostart;
};

void look_at_state(struct host *host, struct domain *domain);
void look_at_definition(struct host *host, struct domain *domain);

/* The end of this turn of the loop: what is to be asked goes out. (host.ask runs it.) */
void look_ask(void *host);

/* Forgets all that was to be asked or is out. */
void look_reset(struct host *host);

/* Tells it if it differs from what was told, or `anew`. */
void look_tell_state(struct host *host, struct domain *domain, const struct state_answer *answer,
                     bool anew);

/* Only that it is there, unless that is known. */
void look_tell_name(struct host *host, struct domain *domain, const char *name);

/* Removes the domain. */
void look_tell_gone(struct host *host, struct domain *domain);

/* Says so if nothing is lacking any more. */
void look_say_synced(struct host *host);

/* Since the connection came up, the domain has been told. Says `synced` after the last one. */
void look_has_state(struct host *host, struct domain *domain);
void look_has_definition(struct host *host, struct domain *domain);

#endif
