/*
 * node_sample: libvirt's node counters and /proc/pressure, read on a worker; the CPU's share is the
 * difference of two readings, of which the caller keeps the first. Memory of this machine is what
 * its kernel says, used and in all; used memory of another what is neither free nor buffers nor
 * cache.
 */
#include "host/node_sample.h"
#include "memory.h"
#include "scope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void read_cpu(virConnectPtr conn, struct node_counters *counters)
{
    int count = 0;
    if (virNodeGetCPUStats(conn, VIR_NODE_CPU_STATS_ALL_CPUS, NULL, &count, 0) < 0 || count <= 0) {
        return;
    }
    AUTO(free) virNodeCPUStatsPtr stats = xcalloc((size_t)count, sizeof *stats);
    if (virNodeGetCPUStats(conn, VIR_NODE_CPU_STATS_ALL_CPUS, stats, &count, 0) < 0) {
        return;
    }
    for (int i = 0; i < count; i++) {
        const char *field = stats[i].field;
        if (strcmp(field, VIR_NODE_CPU_STATS_IDLE) == 0 ||
            strcmp(field, VIR_NODE_CPU_STATS_IOWAIT) == 0) {
            counters->idle_ns += stats[i].value;
        } else if (strcmp(field, VIR_NODE_CPU_STATS_UTILIZATION) != 0) {
            counters->busy_ns += stats[i].value;
        }
    }
    counters->has_cpu = counters->idle_ns > 0;
}

static void read_memory(virConnectPtr conn, struct node_counters *counters)
{
    int count = 0;
    counters->memory_used_mib = LODGE_UNKNOWN;
    if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &count, 0) < 0 ||
        count <= 0) {
        return;
    }
    AUTO(free) virNodeMemoryStatsPtr stats = xcalloc((size_t)count, sizeof *stats);
    if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &count, 0) < 0) {
        return;
    }
    unsigned long long total = 0;
    unsigned long long reclaimable = 0;
    for (int i = 0; i < count; i++) {
        bool is_total = strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_TOTAL) == 0;
        total += is_total ? stats[i].value : 0;
        reclaimable += is_total ? 0 : stats[i].value; /* free, buffers, cached */
    }
    if (total > reclaimable) {
        counters->memory_used_mib = (int64_t)((total - reclaimable) / 1024);
    }
}

/* Shared memory is in the page cache, and cannot be dropped (proc(5), MemAvailable). */
bool node_memory_read(int64_t *ret_total_mib, int64_t *ret_used_mib)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    long long total = -1;
    long long available = -1;
    while (file != NULL && (total < 0 || available < 0) && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "MemTotal: %lld kB", &total);
        (void)sscanf(line, "MemAvailable: %lld kB", &available);
    }
    if (file != NULL) {
        fclose(file);
    }
    bool told = available >= 0 && total >= available;
    if (told) {
        *ret_total_mib = total / 1024;
        *ret_used_mib = (total - available) / 1024;
    }
    return told;
}

/* "some avg10=1.23 avg60=…": the share of the last 10 s in which something waited. */
static double read_pressure(const char *path)
{
    FILE *file = fopen(path, "re");
    double share = NAN;
    if (file != NULL) {
        if (fscanf(file, "some avg10=%lf", &share) != 1) {
            share = NAN;
        }
        fclose(file);
    }
    return share;
}

void node_counters_read(virConnectPtr conn, bool is_local, struct node_counters *ret_counters)
{
    struct node_counters counters = {.psi_cpu = NAN, .psi_memory = NAN, .psi_io = NAN};
    read_cpu(conn, &counters);
    int64_t total = 0;
    if (!is_local || !node_memory_read(&total, &counters.memory_used_mib)) {
        read_memory(conn, &counters);
    }
    if (is_local) {
        counters.psi_cpu = read_pressure("/proc/pressure/cpu");
        counters.psi_memory = read_pressure("/proc/pressure/memory");
        counters.psi_io = read_pressure("/proc/pressure/io");
    }
    *ret_counters = counters;
}

struct lodge_host_stats node_sample(const struct node_counters *before,
                                    const struct node_counters *now)
{
    struct lodge_host_stats sample = {
        .cpu_percent = NAN,
        .memory_used_mib = now->memory_used_mib,
        .psi_cpu = now->psi_cpu,
        .psi_memory = now->psi_memory,
        .psi_io = now->psi_io,
    };
    if (before->has_cpu && now->has_cpu && now->busy_ns >= before->busy_ns &&
        now->idle_ns >= before->idle_ns) {
        double busy = (double)(now->busy_ns - before->busy_ns);
        double all = busy + (double)(now->idle_ns - before->idle_ns);
        sample.cpu_percent = all > 0 ? 100.0 * busy / all : NAN;
    }
    return sample;
}
