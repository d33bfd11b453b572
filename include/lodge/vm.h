/*
 * lodge_vm: a virtual machine as the contract shows it (RPC `vm.list`, `vm.get`, topic `vm`).
 *
 * A plain struct: the daemon writes JSON from it and clients read JSON into it by one field table
 * (src/contract/vm.c). What is not known is NULL, LODGE_UNKNOWN, NAN, 0 of an enum or time 0, and
 * absent in JSON. All strings and lists are owned by the struct. Times are ms since 1970 UTC.
 */
#ifndef LODGE_VM_H
#define LODGE_VM_H

#include "lodge/error.h"
#include "lodge/strings.h"

#include <stdint.h>

#define LODGE_UNKNOWN INT64_C(-1)

enum lodge_vm_state {
    LODGE_VM_UNKNOWN,
    LODGE_VM_RUNNING,
    LODGE_VM_PAUSED,
    LODGE_VM_SHUTOFF,
    LODGE_VM_CRASHED,
    LODGE_VM_SUSPENDED,
    LODGE_VM_CREATING,
    LODGE_VM_DELETING,
    LODGE_VM_ERROR,
    LODGE_VM_STATES,
};

enum lodge_flag { LODGE_FLAG_UNKNOWN, LODGE_FLAG_NO, LODGE_FLAG_YES };

struct lodge_vm_stats {
    double cpu_percent;      /* of the VM's own vCPUs: 100 is all of them busy */
    double steal_percent;    /* of the VM's own vCPUs */
    int64_t memory_used_mib; /* as the guest's balloon driver tells; absent without one */
    int64_t memory_rss_mib;  /* what QEMU holds of the host's memory */
    int64_t disk_read_bps;
    int64_t disk_write_bps;
    int64_t net_rx_bps;
    int64_t net_tx_bps;
    int64_t at;
};

struct lodge_disk {
    char *target; /* vda */
    char *path;   /* file, volume or network source */
    char *format; /* qcow2, raw, … */
    char *device; /* disk, cdrom, floppy, lun */
    int64_t size_gib;
    enum lodge_flag ours;
};

struct lodge_nic {
    char *mac;
    char *network; /* network, bridge or "user" */
    char *model;
};

struct lodge_vm {
    char uuid[37];
    char *name;
    char *host;
    enum lodge_vm_state state;
    char *reason; /* libvirt's word for why it is in this state: booted, shutdown, crashed, … */
    int64_t since;
    bool managed;
    char *owner;
    int64_t vcpus;
    int64_t memory_mib;
    int64_t disk_gib;
    enum lodge_flag autostart;
    struct lodge_strings tags;
    char *graphics; /* vnc, spice, …, none */
    struct lodge_strings ips;
    int64_t viewers;
    int64_t unresponsive;         /* since when its QEMU does not answer, 0: it does */
    int64_t stale;                /* since when its host cannot be asked, 0: it can */
    struct lodge_strings pending; /* members that the next boot gets otherwise */
    int64_t op;
    int64_t rev;
    struct lodge_vm_stats stats;

    /* vm.get only */
    struct {
        struct lodge_disk *items;
        size_t count;
    } disks;
    struct {
        struct lodge_nic *items;
        size_t count;
    } nics;
    struct lodge_strings boot; /* disk, cdrom, network */
    char *firmware;            /* bios, uefi */
    char *kernel;              /* file that is booted without a boot loader */
    char *xml;
};

const char *lodge_vm_state_name(enum lodge_vm_state state); /* "unknown" for 0 */
enum lodge_vm_state lodge_vm_state_from_name(const char *name);

/* Makes every member unknown. */
void lodge_vm_init(struct lodge_vm *vm);

/* Frees what the VM owns and makes every member unknown. */
void lodge_vm_clear(struct lodge_vm *vm);

/* Reads one VM from JSON text as the daemon sends it; members that are not known are skipped.
 * On failure `ret_vm` is left unknown throughout. */
bool lodge_vm_from_json(const char *json, struct lodge_vm *ret_vm, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
