/*
 * lodge_amounts: what VMs are made of, as a limit or as a sum (RPC `quota.get`, `quota.set`).
 */
#ifndef LODGE_QUOTA_H
#define LODGE_QUOTA_H

#include <stdint.h>

/* As a limit LODGE_UNKNOWN is none; sums know every member. */
struct lodge_amounts {
    int64_t vms;
    int64_t vcpus;
    int64_t memory_mib;
    int64_t disk_gib;
};

/* One scope: limits, what its VMs were promised from creation to deletion, and what runs now. */
struct lodge_quota {
    struct lodge_amounts limits;
    struct lodge_amounts promised;
    struct lodge_amounts running;
};

enum lodge_quota_scope {
    LODGE_QUOTA_NOBODYS,
    LODGE_QUOTA_SYSTEM,
    LODGE_QUOTA_USER,
    LODGE_QUOTA_SCOPES,
};

/* Whose it is (topic `quota`). */
struct lodge_quota_of {
    enum lodge_quota_scope scope;
    char *user; /* of scope user */
    struct lodge_quota quota;
};

#endif
