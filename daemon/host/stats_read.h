/*
 * stats_read: what one call over all running guests brings, and what is made of it.
 *
 * The call may be lost for as long as a guest's QEMU hangs; who notices, and who goes on meanwhile,
 * is told in stats.c.
 */
#ifndef HOST_STATS_READ_H
#define HOST_STATS_READ_H

#include "host/host_private.h"

struct stats_row {
    unsigned char uuid[UUID_SIZE];
    bool has_cpu;
    uint64_t cpu_ns;
    struct lodge_vm_stats stats; /* what needs no counter of before; all else unknown */
};

struct stats_answer {
    struct stats_row *rows; /* owned */
    size_t count;
    int64_t at_us; /* monotonic */
    int64_t at_ms; /* since 1970 */
};

/* On a worker. The one bulk call. */
bool stats_read(virConnectPtr conn, struct stats_answer *ret_answer, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* On a worker. CPU times alone, guest by guest, by a call that needs no monitor: for when every
 * lane is lost. */
bool stats_read_without_monitor(virConnectPtr conn, struct stats_answer *ret_answer,
                                struct lodge_error *err) LODGE_MUST_CHECK;

void stats_answer_clear(struct stats_answer *answer);

/* Loop-only. Tells the samples, with rates since the last. */
void stats_tell(struct host *host, const struct stats_answer *answer);

#endif
