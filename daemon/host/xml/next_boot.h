/* next_boot: what a domain gets at its next boot that its run does not have. Any thread. */
#ifndef HOST_NEXT_BOOT_H
#define HOST_NEXT_BOOT_H

#include "host/report.h"
#include "lodge/error.h"

/* `facts` are of the run, `next` of the inactive definition: facts.pending, most_… and is_whole are
 * filled. What differs in a way that libvirt makes by itself (a snapshot's path is in both) is not
 * pending. */
void next_boot_compare(struct domain_facts *facts, const struct domain_facts *next);

/* The same where there is no run: nothing waits. */
void next_boot_is_now(struct domain_facts *facts);

/* Of a guest whose memory is saved: `facts` are of the inactive definition, and get the amounts
 * that the saved run has, `run`; what differs waits until the saved state is gone. */
void next_boot_after_save(struct domain_facts *facts, const struct domain_facts *run);

/* Whether two definitions of one domain say the same of it, as far as it is told: `*ret_same`.
 * False with INTERNAL when one cannot be read. */
bool next_boot_is_same(const char *xml, const char *other, bool *ret_same, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
