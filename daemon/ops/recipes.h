/* recipes: all there are, one file per noun; and the looks that several of them take. */
#ifndef OPS_RECIPES_H
#define OPS_RECIPES_H

#include "ops/op.h"

struct leavings;

extern const struct recipe create_recipe;
extern const struct recipe delete_recipe;
extern const struct recipe start_recipe, stop_recipe, shutdown_recipe, reboot_recipe, reset_recipe,
    nmi_recipe, pause_recipe, resume_recipe, save_recipe;
extern const struct recipe update_recipe, media_recipe;
extern const struct recipe adopt_recipe, forget_recipe;
extern const struct recipe orphan_recipe;

/* create_check.c: the check of vm.create, on the worker: names become files, images and networks;
 * op.error is the call's. */
bool create_check(struct op *op, struct host_conn *conn) LODGE_MUST_CHECK;

/* Which disks of the plan rows of other VMs name, or domains of other hosts: those are kept. Who
 * else of this host uses one is asked before it goes (op.uses). On the loop. */
void disks_mark_used(struct op *op);

/* Whether who uses them must be asked. */
bool disks_ask(const struct op *op);

/* domain_leavings() of its VM, cleared by the caller; `places` (as many as there are disks) says
 * which disk of the plan each of ours is. On a worker. False with op.error. */
bool disks_leavings(struct op *op, struct host_conn *conn, struct leavings *ret_leavings,
                    size_t *places) LODGE_MUST_CHECK;

/* False, with op.error, if libvirt would delete the state of a TPM that lodge did not make when the
 * guest ends. On a worker; looks at no file. */
bool op_tpm_may_go(struct op *op, struct host_conn *conn) LODGE_MUST_CHECK;

/* This one stays, for that reason. */
void disks_keep(struct plan_disk *disk, const char *why);

/* Who used them then is asked anew. */
void disks_forget_kept(struct plan *plan);

/* Deletes the volumes of the plan that are ours and nobody else's, and the serial log. What is not
 * what we made (a symlink, a second link), or is used, stays, `kept` with its reason. On a worker.
 */
enum step_end disks_remove(struct op *op, struct host_conn *conn);

/* The result of a deletion: what of the plan is kept, and why. The holder's. */
void disks_tell_kept(struct op *op);

/* One file of the place; `kept` is why it stays, "" when it does not. */
struct file_end {
    bool was_there;
    char kept[256];
};
enum step_end disks_remove_file(struct op *op, struct host_conn *conn, const char *name,
                                struct file_end *ret_end);

/* undefine.c: the domain's definition with what libvirt keeps for it, as far as that is the VM's
 * own; the rest is named in plan.left. On a worker. */
enum step_end op_undefine(struct op *op, struct host_conn *conn);

/* disks_grow.c: what vm.update does to disks, on a worker. */
bool disks_check(struct op *op,
                 struct host_conn *conn); /* are those that grow what their rows say? */
enum step_end disks_grow(struct op *op, struct host_conn *conn);
bool disks_need_no_stand_in(const struct op *op);
enum step_end disks_lend(struct op *op, struct host_conn *conn);
enum step_end disks_stretch(struct op *op, struct host_conn *conn);
enum step_end disks_stand_down(struct op *op, struct host_conn *conn);

#endif
