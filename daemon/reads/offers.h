/*
 * offers: what VMs can be made from: the library's images, a host's pools and networks. Answers
 * come once, on the loop; lists are borrowed for the call. Who asks meanwhile shares the next.
 */
#ifndef READS_OFFERS_H
#define READS_OFFERS_H

#include "lodge/offer.h"
#include "ops/ops.h"

struct offers {
    struct lodge_offer *items;
    size_t count;
};
typedef void offers_fn(void *data, const struct offers *offers, const struct lodge_error *error);

enum offers_of { OFFERS_IMAGES, OFFERS_POOLS, OFFERS_NETWORKS };

/* `host` NULL only for images, which are this machine's. Else NOT_FOUND, HOST_DOWN, what libvirt
 * says, and TIMEOUT when it has said nothing for 10 s. */
void offers_list(struct ops *ops, enum offers_of what, const char *host, offers_fn *answer,
                 void *data);

/* For reads.images. */
struct rounds_kind;
extern const struct rounds_kind offers_images;

#endif
