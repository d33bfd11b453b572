/*
 * order: VMs in the order of lists: host, name, uuid (vm_compare). One that comes, goes or is
 * called otherwise costs the same however many there are, so a page of a list does too. Loop-only.
 */
#ifndef REGISTRY_ORDER_H
#define REGISTRY_ORDER_H

#include <stddef.h>

struct order_block;
struct vm;

/* Where a VM stands: in one of the two, or in none. */
struct order_place {
    struct order_block *block;
    size_t waiting; /* 1 + its index in order.waiting */
};

struct order {
    struct order_block **blocks; /* none is empty; each is sorted, and before the next */
    size_t block_count, block_room;
    size_t count;        /* in blocks */
    struct vm **waiting; /* to be put into blocks before the next walk */
    size_t waiting_count, waiting_room;
};

void order_done(struct order *order); /* VMs are their owner's */

/* A VM that is new, or whose name has changed. */
void order_put(struct order *order, struct vm *vm);

/* One that is in it. Its name may have changed since it was put. */
void order_remove(struct order *order, struct vm *vm);

/* Valid until one is put or removed. */
struct order_walk {
    const struct order *order;
    size_t block, at;
};

/* From the first behind `key` on, of which host, name and uuid are asked; NULL: from the first. */
struct order_walk order_walk(struct order *order, const struct vm *key);
struct vm *order_next(struct order_walk *walk); /* NULL: that was the last */

#endif
