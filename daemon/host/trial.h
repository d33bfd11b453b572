/*
 * trial: the throw-away guests that tell whether KVM works (virt_type.c), told by their uuid and
 * their mark, and their end when whoever made one is gone.
 *
 * libvirt ends them with the connection that they were made on (AUTODESTROY), but forgets that when
 * it is itself restarted meanwhile (libvirt 9.0): such a guest would stay for ever.
 */
#ifndef HOST_TRIAL_H
#define HOST_TRIAL_H

#include "host/parts.h"

/* What its mark names in place of an installation. */
#define TRIAL_MARK "kvm-trial"

/* A uuid that only a trial has, its last part random. Any thread. */
void trial_uuid(char ret_uuid[static 37]);

/* A domain was told of for the first time. Loop-only, as what follows. */
void trial_may_be(struct host *host, const struct domain *domain);

/* For the timer of host.trials. */
void trials_look(void *host);

#endif
