/*
 * vm_words: what is other of a virtual machine than it was, in words for people. What is not known
 * is not told. The texts are not yet made harmless. No state.
 */
#ifndef TUI_CLI_VM_WORDS_H
#define TUI_CLI_VM_WORDS_H

#include "lodge/vm.h"

/* What of a VM may change. */
enum vm_part {
    VM_PART_STATE = 1 << 0,
    VM_PART_REASON = 1 << 1, /* why it is in that state */
    VM_PART_NAME = 1 << 2,
    VM_PART_OWNER = 1 << 3,
    VM_PART_SIZE = 1 << 4, /* vCPUs, memory, disks */
    VM_PART_AUTOSTART = 1 << 5,
    VM_PART_TAGS = 1 << 6,
    VM_PART_GRAPHICS = 1 << 7,
    VM_PART_ADDRESSES = 1 << 8,
    VM_PART_PENDING = 1 << 9,
    VM_PART_ANSWERS = 1 << 10, /* whether its QEMU does */
    VM_PARTS = (1 << 11) - 1,
};

/* "→", or "->" where the locale has none. */
const char *words_arrow(void);

/* "state running → shutoff (destroyed), memory 512 MiB → 1024 MiB": those of `parts` (a set of enum
 * vm_part) that differ; NULL: none does. The caller frees. */
char *vm_words_changes(const struct lodge_vm *before, const struct lodge_vm *now, unsigned parts);

/* "running, 1 vCPU, 1024 MiB, disks 10 GiB": one that was not there. The caller frees. */
char *vm_words_new(const struct lodge_vm *vm);

#endif
