/* hand_private: the domain that a hand acts on, for the files of this folder. */
#ifndef HOST_HAND_PRIVATE_H
#define HOST_HAND_PRIVATE_H

#include "host/guest/hand.h"
#include "host/host_conn.h"

#include <libvirt/libvirt.h>

/* The domain (hand_domain()), its QEMU answering as far as GetControlInfo knows; else UNRESPONSIVE.
 * For what needs its monitor. */
virDomainPtr hand_reach(struct hand *hand, const char *uuid, struct lodge_error *err);

/* The same of that run (domain_look.run) only, else CONFLICT or BAD_STATE; LODGE_UNKNOWN:
 * whichever.
 */
virDomainPtr hand_reach_run(struct hand *hand, const char *uuid, int64_t run,
                            struct lodge_error *err);

/* The flags to undefine with, from all that a driver may know down to what each takes, as far as
 * these keep what must be kept; how many. On a host without files nothing must. */
enum { UNDEFINE_WAYS = 4 };
size_t hand_undefine_ways(const struct undefine *how, bool has_files,
                          unsigned ret_flags[static UNDEFINE_WAYS]);

/* libvirt's last error about `domain`; BAD_STATE says in which it is. Returns false. */
bool hand_fail(struct hand *hand, const char *what, virDomainPtr domain, struct lodge_error *err);

#endif
