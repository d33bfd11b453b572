/*
 * order: sorted blocks of at most BLOCK VMs each. A VM is found by looking for its block, then in
 * it, and put there by moving at most a block of pointers; a full block becomes two.
 *
 * Who comes or is renamed only waits, since a host that is read brings thousands of whom the name
 * comes after the uuid: they are put where they belong when somebody walks. Many are sorted with
 * all the others at once, few are put one by one. Loop-only.
 */
#include "registry/order.h"

#include "memory.h"
#include "registry/vm.h"
#include "scope.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 256,
    FILLED = BLOCK * 3 / 4, /* when all are put anew: there is room for those that come */
    MANY = 8,               /* waiting, of so many in blocks: all are put anew */
    SPARSE = 4,             /* so many blocks for what would fill one */
};

struct order_block {
    size_t count;
    struct vm *vms[BLOCK];
};

void order_done(struct order *order)
{
    for (size_t i = 0; i < order->block_count; i++) {
        free(order->blocks[i]);
    }
    free(order->blocks);
    free(order->waiting);
    *order = (struct order){0};
}

static void wait_in(struct order *order, struct vm *vm)
{
    if (order->waiting_count == order->waiting_room) {
        order->waiting_room = order->waiting_room == 0 ? BLOCK : order->waiting_room * 2;
        order->waiting = xrealloc(order->waiting, order->waiting_room * sizeof *order->waiting);
    }
    order->waiting[order->waiting_count++] = vm;
    vm->place.waiting = order->waiting_count;
}

static void wait_no_more(struct order *order, struct vm *vm)
{
    struct vm *last = order->waiting[--order->waiting_count];
    order->waiting[vm->place.waiting - 1] = last;
    last->place.waiting = vm->place.waiting;
    vm->place.waiting = 0;
}

static void drop_block(struct order *order, struct order_block *block)
{
    size_t at = 0;
    while (order->blocks[at] != block) {
        at++;
    }
    order->block_count--;
    memmove(&order->blocks[at], &order->blocks[at + 1],
            (order->block_count - at) * sizeof *order->blocks);
    free(block);
}

static void leave_block(struct order *order, struct vm *vm)
{
    struct order_block *block = TAKE(vm->place.block);
    size_t at = 0;
    while (block->vms[at] != vm) {
        at++;
    }
    block->count--;
    order->count--;
    memmove(&block->vms[at], &block->vms[at + 1], (block->count - at) * sizeof *block->vms);
    if (block->count == 0) {
        drop_block(order, block);
    }
}

void order_remove(struct order *order, struct vm *vm)
{
    if (vm->place.waiting != 0) {
        wait_no_more(order, vm);
    } else if (vm->place.block != NULL) {
        leave_block(order, vm);
    }
}

void order_put(struct order *order, struct vm *vm)
{
    if (vm->place.waiting == 0) {
        order_remove(order, vm);
        wait_in(order, vm);
    }
}

static struct order_block *add_block(struct order *order, size_t at)
{
    if (order->block_count == order->block_room) {
        order->block_room = order->block_room == 0 ? 8 : order->block_room * 2;
        order->blocks = xrealloc(order->blocks, order->block_room * sizeof *order->blocks);
    }
    memmove(&order->blocks[at + 1], &order->blocks[at],
            (order->block_count - at) * sizeof *order->blocks);
    order->block_count++;
    order->blocks[at] = xcalloc(1, sizeof **order->blocks);
    return order->blocks[at];
}

static void append(struct order_block *block, struct vm *const *vms, size_t count)
{
    memcpy(&block->vms[block->count], vms, count * sizeof *vms);
    block->count += count;
    for (size_t i = 0; i < count; i++) {
        vms[i]->place.block = block;
    }
}

static int compare_places(const void *a, const void *b)
{
    return vm_compare(*(struct vm *const *)a, *(struct vm *const *)b);
}

/* All anew: those who wait, and those who are in blocks. */
static void put_all(struct order *order)
{
    size_t count = 0;
    struct vm **all = xcalloc(order->count + order->waiting_count + 1, sizeof *all);
    for (size_t i = 0; i < order->block_count; i++) {
        const struct order_block *block = order->blocks[i];
        memcpy(&all[count], block->vms, block->count * sizeof *all);
        count += block->count;
    }
    for (size_t i = 0; i < order->waiting_count; i++) {
        order->waiting[i]->place.waiting = 0;
        all[count++] = order->waiting[i];
    }
    order_done(order);
    qsort(all, count, sizeof *all, compare_places);
    for (size_t i = 0; i < count; i += FILLED) {
        append(add_block(order, order->block_count), &all[i],
               count - i < FILLED ? count - i : FILLED);
    }
    order->count = count;
    free(all);
}

static struct vm *block_begin(const void *order, size_t at)
{
    return ((const struct order *)order)->blocks[at]->vms[0];
}

static struct vm *block_vm(const void *block, size_t at)
{
    return ((const struct order_block *)block)->vms[at];
}

/* How many of `count` that are sorted are not behind `key`. */
static size_t count_until(struct vm *(*vm_at)(const void *of, size_t at), const void *of,
                          size_t count, const struct vm *key)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vm_compare(vm_at(of, middle), key) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Where the first behind `key` is: in the last block that does not begin behind it, or where the
 * next begins. */
static size_t find_block(const struct order *order, const struct vm *key)
{
    size_t begun = count_until(block_begin, order, order->block_count, key);
    return begun == 0 ? 0 : begun - 1;
}

static size_t find_in_block(const struct order_block *block, const struct vm *key)
{
    return count_until(block_vm, block, block->count, key);
}

static void split(struct order *order, size_t at)
{
    struct order_block *second = add_block(order, at + 1);
    struct order_block *first = order->blocks[at];
    first->count = BLOCK / 2;
    append(second, &first->vms[BLOCK / 2], BLOCK - BLOCK / 2);
}

static void put_one(struct order *order, struct vm *vm)
{
    size_t at = order->block_count == 0 ? 0 : find_block(order, vm);
    if (order->block_count == 0) {
        (void)add_block(order, 0);
    } else if (order->blocks[at]->count == BLOCK) {
        split(order, at);
        at = find_block(order, vm);
    }
    struct order_block *block = order->blocks[at];
    size_t place = find_in_block(block, vm);
    memmove(&block->vms[place + 1], &block->vms[place],
            (block->count - place) * sizeof *block->vms);
    block->vms[place] = vm;
    block->count++;
    order->count++;
    vm->place = (struct order_place){.block = block};
}

static void put_all_who_wait(struct order *order)
{
    bool is_sparse = order->block_count > SPARSE * (order->count / BLOCK + 1);
    if (is_sparse || order->waiting_count > order->count / MANY) {
        put_all(order);
        return;
    }
    for (size_t i = 0; i < order->waiting_count; i++) {
        put_one(order, order->waiting[i]);
    }
    order->waiting_count = 0;
}

struct order_walk order_walk(struct order *order, const struct vm *key)
{
    put_all_who_wait(order);
    struct order_walk walk = {.order = order};
    if (key != NULL && order->block_count > 0) {
        walk.block = find_block(order, key);
        walk.at = find_in_block(order->blocks[walk.block], key);
    }
    return walk;
}

struct vm *order_next(struct order_walk *walk)
{
    const struct order *order = walk->order;
    if (walk->block < order->block_count && walk->at == order->blocks[walk->block]->count) {
        walk->block++;
        walk->at = 0;
    }
    return walk->block == order->block_count ? NULL : order->blocks[walk->block]->vms[walk->at++];
}
