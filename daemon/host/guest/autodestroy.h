/*
 * autodestroy: throw-away guests of lodge's own, which tell whether KVM works (kvm_probe.c) or
 * stand in for one that is off (stand_in.c): told by uuid and mark, and ended when whoever made one
 * is gone.
 *
 * libvirt ends them with the connection that they were made on (AUTODESTROY), but forgets that when
 * it is itself restarted meanwhile (libvirt 9.0): such a guest would stay for ever.
 */
#ifndef HOST_AUTODESTROY_H
#define HOST_AUTODESTROY_H

#include "host/host_private.h"

/* What the mark of one that tries KVM names in place of an installation. */
#define KVM_PROBE_MARK "kvm-trial"

enum autodestroy_kind { AUTODESTROY_KVM_PROBE, AUTODESTROY_STAND_IN };

/* A uuid that only one of that kind has, its last part random. Any thread. */
void autodestroy_uuid(enum autodestroy_kind kind, char ret_uuid[static 37]);

/* A domain was told of for the first time. Loop-only, as what follows. */
void autodestroy_may_be(struct host *host, const struct domain *domain);

/* For the timer of host.autodestroy. */
void autodestroy_look(void *host);

#endif
