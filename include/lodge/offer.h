/* lodge_offer: something that a VM can be made from (RPC `image.list`, `pool.list`,
 * `network.list`). */
#ifndef LODGE_OFFER_H
#define LODGE_OFFER_H

#include "lodge/vm.h"

struct lodge_offer {
    char *name;
    char *kind;       /* of an image: disk, iso, kernel; else libvirt's word */
    char *format;     /* of a disk image */
    int64_t size_gib; /* of a disk image, or of a pool */
    int64_t free_gib; /* of a pool */
    enum lodge_flag active;
    enum lodge_flag ours; /* of a pool */
};

#endif
