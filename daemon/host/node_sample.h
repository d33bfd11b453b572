/* node_sample: the host machine's own CPU, memory and pressure. */
#ifndef HOST_NODE_SAMPLE_H
#define HOST_NODE_SAMPLE_H

#include "host/report.h"

#include <libvirt/libvirt.h>

struct node_counters {
    bool has_cpu;
    unsigned long long busy_ns, idle_ns; /* since the machine started, over all CPUs */
    int64_t memory_used_mib;             /* LODGE_UNKNOWN if the driver cannot say */
    double psi_cpu, psi_memory, psi_io;  /* percent over 10 s; NAN without */
};

/* On a worker. What the driver cannot say is unknown; pressure is read from this machine's /proc.
 */
void node_counters_read(virConnectPtr conn, bool is_local, struct node_counters *ret_counters);

/* On a worker. How much memory this machine has and how much of it is in use, as the kernel counts
 * it: what cannot be had without swapping is in use. False if it does not say. */
bool node_memory_read(int64_t *ret_total_mib, int64_t *ret_used_mib);

/* Any thread. `before` may be zeroed: then the CPU's share is not known yet. */
struct lodge_host_stats node_sample(const struct node_counters *before,
                                    const struct node_counters *now);

#endif
