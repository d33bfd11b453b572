/* methods.c: the list of the tables, for whoever makes a door. */
#include "rpc/method.h"

const struct method *const method_tables[] = {
    server_methods, host_methods,  vm_methods,      create_methods, change_methods,
    update_methods, op_methods,    quota_methods,   user_methods,   audit_methods,
    offer_methods,  event_methods, console_methods, NULL,
};
