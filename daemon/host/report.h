/*
 * report: what a host tells the rest of the house, in plain structs.
 *
 * No libvirt type is in here, so that the registry is built and tested without it. All functions of
 * the listener are called on the loop; what they are given is borrowed for the call.
 */
#ifndef HOST_REPORT_H
#define HOST_REPORT_H

#include "lodge/host.h"
#include "lodge/vm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The connection that events come by. */
struct host_connection_report {
    enum lodge_host_state state;
    const char *error; /* why it is not up; NULL when it is */
};

/* What was asked once, after connecting. */
struct host_abilities_report {
    int64_t cpus; /* LODGE_UNKNOWN if the driver cannot say */
    int64_t memory_mib;
    const char *hypervisor; /* "QEMU 7.2.0", or NULL */
    const char *libvirt;    /* "9.0.0" of the daemon that runs it, or NULL */
    const struct lodge_strings *features;
};

/* One domain's state as libvirt gave it: authoritative, no event came since it was asked. */
struct domain_state_report {
    const char *uuid;
    const char *name;
    enum lodge_vm_state state; /* UNKNOWN when only its being there is known yet */
    const char *reason;        /* libvirt's word, or NULL */
    enum lodge_flag autostart;
    bool persistent;
    int64_t
        run; /* libvirt's id of it while it is active (no two runs have the same), else UNKNOWN */
    bool seen_change; /* an event or a difference said so: `since` is now, not "before we looked" */
};

/* What a domain's XML says: of the run that there is, a saved one among them, else of the next
 * boot. `pending` is what the next boot gets otherwise. Owned by the report; take what is wanted by
 * swapping members out. */
struct domain_facts {
    char uuid[37];
    char *name;
    int64_t vcpus;
    int64_t memory_mib;
    int64_t balloon_mib; /* what its balloon leaves the guest, as libvirt was told last */
    bool is_whole;       /* both were read: the run, if there is one, and the next boot */
    bool saved;          /* its memory is saved: the next start goes on with it */
    int64_t most_vcpus;  /* the larger of the two; LODGE_UNKNOWN unless whole */
    int64_t most_memory_mib;
    struct lodge_strings pending; /* members of the VM */
    char *graphics; /* vnc when there is one, else the type of the first; "none" without */
    struct lodge_disk *disks;
    size_t disk_count;
    struct lodge_nic *nics;
    size_t nic_count;
    struct lodge_strings boot; /* disk, cdrom, network, in order */
    char *firmware;            /* bios, uefi; NULL: another, or not known */
    char *kernel;              /* NULL: none */
    struct lodge_strings tags;
    char installation[33]; /* of the lodged that made it; "" without its mark */
    int64_t made_by;       /* the operation of the mark; 0 without */
    bool made_whole;       /* the mark says that the operation was past its point of no return */
};

/* One running domain's counters and what was made of them: the contract's own struct, so that a new
 * quantity needs no line between who reads it and who shows it. `at` is told for all. */
struct domain_sample {
    char uuid[37];
    struct lodge_vm_stats stats;
};

struct host_listener {
    void (*connection)(void *owner, const char *host, const struct host_connection_report *report);
    void (*abilities)(void *owner, const char *host, const struct host_abilities_report *report);
    void (*domain_state)(void *owner, const char *host, const struct domain_state_report *report);
    void (*domain_facts)(void *owner, const char *host, struct domain_facts *facts);
    void (*domain_gone)(void *owner, const char *host, const char *uuid);
    /* Every domain has been told once since the connection came up, with state and XML. */
    void (*synced)(void *owner, const char *host);
    /* The guest rebooted, by itself or on request. */
    void (*domain_rebooted)(void *owner, const char *host, const char *uuid);
    /* `since` ms since 1970 from when on its QEMU does not answer; 0: it answers again, or is gone.
     */
    void (*domain_hung)(void *owner, const char *host, const char *uuid, int64_t since);
    /* `at` ms since 1970; `host_stats` may be NULL. Domains that are not in it keep their last. */
    void (*samples)(void *owner, const char *host, int64_t at, const struct domain_sample *samples,
                    size_t count, const struct lodge_host_stats *host_stats);
};

#endif
