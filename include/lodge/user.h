/* lodge_user: somebody with a role of their own, or with VMs (RPC `user.list`). */
#ifndef LODGE_USER_H
#define LODGE_USER_H

#include "lodge/quota.h"

struct lodge_user {
    char *user; /* the name, #uid where there is none */
    int64_t uid;
    char *role;
    int64_t vms;
    struct lodge_amounts promised;
};

#endif
