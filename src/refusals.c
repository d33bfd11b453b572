/* refusals: one line each. No state, any thread. */
#include "refusals.h"

#include <stddef.h>

bool refuse_stopping(struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_CANCELLED, "%s", REFUSED_STOPPING);
}

bool refuse_unknown_host(struct lodge_error *err, const char *name)
{
    return lodge_fail(err, LODGE_ERROR_NOT_FOUND,
                      "no host '%.64s'; host.list names those there are", name);
}

bool refuse_host_down(struct lodge_error *err, const char *name, const char *why)
{
    if (why == NULL) {
        return lodge_fail(err, LODGE_ERROR_HOST_DOWN, "host '%s' is not up; host.list says why",
                          name);
    }
    return lodge_fail(err, LODGE_ERROR_HOST_DOWN, "host '%s' is not up: %s", name, why);
}

bool refuse_unknown_vm(struct lodge_error *err, const char *name)
{
    return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "no VM '%s'; vm.list names those there are",
                      name);
}

bool refuse_taken_name(struct lodge_error *err, const char *host, const char *name)
{
    return lodge_fail(err, LODGE_ERROR_EXISTS, "host '%s' has a VM called '%s' already", host,
                      name);
}
