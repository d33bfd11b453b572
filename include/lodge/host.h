/* lodge_host: a machine whose guests lodge shows (RPC `host.list`, topic `host`). Conventions as in
 * vm.h. */
#ifndef LODGE_HOST_H
#define LODGE_HOST_H

#include "lodge/vm.h"

enum lodge_host_state {
    LODGE_HOST_UNKNOWN,
    LODGE_HOST_UP,
    LODGE_HOST_DOWN,
    LODGE_HOST_CONNECTING,
    LODGE_HOST_STATES,
};

struct lodge_host_stats {
    double cpu_percent; /* of all its CPUs */
    int64_t memory_used_mib;
    double psi_cpu; /* pressure stall, "some" over 10 s, percent; of lodged's own machine only */
    double psi_memory;
    double psi_io;
    int64_t at;
};

struct lodge_host {
    char *name;
    char *uri; /* admins only */
    enum lodge_host_state state;
    int64_t since;
    char *error;       /* why it is not up */
    int64_t synced_at; /* when every domain had been read since it came up; 0: not yet, or down */
    int64_t cpus;
    int64_t memory_mib;
    char *hypervisor; /* "QEMU 7.2.0" */
    char *libvirt;    /* "9.0.0" */
    struct lodge_strings features;
    int64_t rev;
    struct lodge_host_stats stats;
};

const char *lodge_host_state_name(enum lodge_host_state state);

void lodge_host_init(struct lodge_host *host);
void lodge_host_clear(struct lodge_host *host);
bool lodge_host_from_json(const char *json, struct lodge_host *ret_host, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
