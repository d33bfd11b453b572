/*
 * named_vm: the VM that a call's parameters name: found as its caller sees it, noted for the audit,
 * and judged by what the method's row says that it must be. Loop-only.
 */
#ifndef RPC_NAMED_VM_H
#define RPC_NAMED_VM_H

#include "rpc/method.h"

/* The VM that the row names, by what the registry knows in this turn; *ret_vm is NULL if it must
 * but be seen and none was named. False with the error: NOT_FOUND, CONFLICT (if_rev), UNSUPPORTED
 * (not lodge's), HOST_DOWN, BAD_STATE. The gate asks before the handler runs; a handler that has
 * waited since (`vm_is_late`) asks itself. */
bool named_vm_find(struct call *call, const void *params, struct vm **ret_vm,
                   struct lodge_error *err) LODGE_MUST_CHECK;

/* The same without a judgment, to see what a call is about: NULL if there is none, or none that its
 * caller may see. */
struct vm *named_vm_peek(const struct call *call, const void *params);

/* What is known already is said at once: UNRESPONSIVE, if its QEMU does not answer. */
bool named_vm_answers(const struct vm *vm, struct lodge_error *err);

#endif
