/*
 * records: a VM as the store has it, in the one form in which store, operations, registry and host
 * hand it on. Any thread; plain structs, and who fills one in owns what it points to.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* NONE: no row. CREATING and DELETING belong to an unfinished operation. */
enum vm_phase {
    VM_PHASE_NONE,
    VM_PHASE_READY,
    VM_PHASE_CREATING,
    VM_PHASE_DELETING,
    VM_PHASE_ERROR
};

struct disk_row {
    const char *target; /* vda */
    const char *pool;   /* NULL or "" for a plain directory */
    const char *volume; /* the name in it: never another's, since it holds the VM's random uuid;
                           NULL or "" for a disk that lodge did not make */
    const char *path;   /* absolute, on the host */
    const char *format; /* qcow2, raw; NULL: not known */
    int64_t size_gib;
    bool ours; /* made by lodge, deleted with the VM */
};

struct vm_row {
    const char *host;
    const char *uuid;
    const char *name;
    uid_t owner;
    enum vm_phase phase;
    int64_t vcpus, memory_mib; /* what is charged: the larger of configured and pending */
    int64_t disk_gib;          /* the sum of its disks that are ours */
    const struct disk_row *disks;
    size_t disk_count;
    const char *const *macs; /* lower case, unique over all VMs of all hosts */
    size_t mac_count;
    const char *serial_log; /* a file that goes with the VM, beside its disks; NULL without */
};

/* A copy in one block, for free(). Without the MACs, which are the store's alone to compare. */
struct vm_row *vm_row_copy(const struct vm_row *row);

#endif
