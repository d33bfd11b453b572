/* ledger: rows of VMs follow what libvirt has. Loop-only. */
#ifndef OPS_LEDGER_H
#define OPS_LEDGER_H

struct ops;

/* Something changed: does a row differ from libvirt, of a VM that no operation has? */
void ledger_look(struct ops *ops);

/* The same after a while: what could not be written then. */
void ledger_look_again(struct ops *ops);

#endif
