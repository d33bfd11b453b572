/*
 * access: who may do what, by their role and by whose it is. Nowhere else is that decided.
 *
 * No state.
 */
#ifndef REGISTRY_ACCESS_H
#define REGISTRY_ACCESS_H

#include "registry/vm.h"

enum access {
    ACCESS_UNSET, /* nobody: a method's row that forgets its access does not start the daemon */
    ACCESS_ANY,   /* every role but none */
    ACCESS_SEE,   /* users what is theirs, viewers and admins everything */
    ACCESS_USER,  /* users and admins */
    ACCESS_OWNER, /* users what is theirs, admins everything */
    ACCESS_ADMIN,
};

/* The contract's word for it; NULL for UNSET. */
const char *access_name(enum access access);

/* A VM is its owner's. NULL: whether the role alone does not forbid it. */
bool access_allows(const struct viewer *viewer, const struct vm *vm, enum access access);

/* What `uid` did to a VM of `owner`'s (VM_NO_OWNER: it has none) is theirs, both. */
bool access_allows_of(const struct viewer *viewer, uid_t uid, uid_t owner, enum access access);

#endif
