/*
 * vms: what the store knows of VMs: rows, disks, NICs, and what they are charged.
 *
 * Blocks: for workers. Strings of rows that are told are borrowed for the call.
 */
#ifndef STORE_VMS_H
#define STORE_VMS_H

#include "lodge/quota.h"
#include "records.h"
#include "store/store.h"

/* All VMs, with disks and MACs. */
typedef void store_vm_fn(void *data, const struct vm_row *row);
bool store_read_vms(struct store *store, store_vm_fn *each, void *data, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* The row's amounts and name follow what libvirt has, whatever the limits say: being over is shown.
 * Not while an operation has the VM, whose charge it is, nor when one has charged otherwise than
 * `old` since: *ret_done. A name that another row has is not taken, *ret_clash. */
bool store_follow_vm(struct store *store, const struct vm_row *vm, const struct vm_row *old,
                     bool *ret_done, bool *ret_clash, struct lodge_error *err) LODGE_MUST_CHECK;

/* What all VMs (`owner` NULL) or one user's were promised. Summed, from a covering index. */
bool store_sum_promised(struct store *store, const uid_t *owner, struct lodge_amounts *ret_sum,
                        struct lodge_error *err) LODGE_MUST_CHECK;

/* Stored limits of the system (`user` NULL) or a user. *ret_found false: none are stored, the
 * configuration's hold. */
bool store_read_limits(struct store *store, const uid_t *user, struct lodge_amounts *ret_limits,
                       bool *ret_found, struct lodge_error *err) LODGE_MUST_CHECK;

/* All limits that are stored; `user` NULL: the system's. */
typedef void store_limits_fn(void *data, const uid_t *user, const struct lodge_amounts *limits);
bool store_read_all_limits(struct store *store, store_limits_fn *each, void *data,
                           struct lodge_error *err) LODGE_MUST_CHECK;

/* Stores limits in place of what was there, with the call's row of the audit. Calls may go past
 * them already: that refuses growth, and shrinks nothing. */
bool store_write_limits(struct store *store, const uid_t *user, const struct lodge_amounts *limits,
                        const struct audit_row *audit, struct lodge_error *err) LODGE_MUST_CHECK;

/* The role of a user's row, with the call's row of the audit; "" takes the user's row away. */
bool store_write_role(struct store *store, uid_t uid, const char *role,
                      const struct audit_row *audit, struct lodge_error *err) LODGE_MUST_CHECK;

#endif
