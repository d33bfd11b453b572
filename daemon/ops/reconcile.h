/* reconcile: rows of VMs follow what libvirt has. Loop-only. */
#ifndef OPS_RECONCILE_H
#define OPS_RECONCILE_H

struct ops;

/* Something changed: does a row differ from libvirt, of a VM that no operation has? */
void reconcile_look(struct ops *ops);

/* The same after a while: what could not be written then. */
void reconcile_look_again(struct ops *ops);

#endif
