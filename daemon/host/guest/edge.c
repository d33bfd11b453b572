/*
 * edge: at its start and at its end a guest has no monitor, or one that breaks while it is used.
 * Of what comes then libvirt says many things: an invalid argument (the monitor is NULL), a system
 * error (connection reset), an internal one (end of file), a broken monitor. None of them is a
 * failure of ours or of the host's. State and monitor are looked at anew, which waits for nobody.
 * On a worker; no state.
 */
#include "host/guest/edge.h"

#include "host/libvirt_auto.h"
#include "host/libvirt_state.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

static bool is_at_start(virDomainPtr domain)
{
    int state = 0;
    int reason = 0;
    return virDomainGetState(domain, &state, &reason, 0) == 0 && state == VIR_DOMAIN_PAUSED &&
           reason == VIR_DOMAIN_PAUSED_STARTING_UP;
}

static bool is_broken(virDomainPtr domain)
{
    virDomainControlInfo info;
    return virDomainGetControlInfo(domain, &info, 0) == 0 && info.state == VIR_DOMAIN_CONTROL_ERROR;
}

static bool lost_its_monitor(const struct lodge_error *err)
{
    int code = err->libvirt.code;
    bool may_be = code == VIR_ERR_SYSTEM_ERROR || code == VIR_ERR_INTERNAL_ERROR;
    return err->libvirt.domain == VIR_FROM_QEMU &&
           (code == VIR_ERR_INVALID_ARG ||
            (may_be && strstr(err->libvirt.text, "monitor") != NULL));
}

/* One whose monitor was found broken before it was asked anything may stay so for ever: whoever
 * asks is told to force it off, unless it has ended by now. */
static bool is_edge(virDomainPtr domain, const struct lodge_error *err)
{
    if (virDomainIsActive(domain) == 0 || is_at_start(domain)) {
        return true;
    }
    return err->kind != LODGE_ERROR_UNRESPONSIVE && (is_broken(domain) || lost_its_monitor(err));
}

/* What libvirt said stays with it. */
static void say_edge(virDomainPtr domain, struct lodge_error *err)
{
    struct lodge_error told = {.libvirt = err->libvirt};
    int state = VIR_DOMAIN_SHUTOFF;
    (void)virDomainGetState(domain, &state, NULL, 0);
    (void)lodge_fail(&told, LODGE_ERROR_BAD_STATE,
                     "it is just starting, or ending: its screen is there once it runs");
    (void)snprintf(told.state, sizeof told.state, "%s", lodge_vm_state_name(libvirt_state(state)));
    *err = told;
}

bool edge_is_starting(virDomainPtr domain, struct lodge_error *err)
{
    if (!is_at_start(domain)) {
        return false;
    }
    say_edge(domain, err);
    return true;
}

void edge_tell(struct host_conn *conn, const char *uuid, struct lodge_error *err)
{
    bool may_be = err->kind == LODGE_ERROR_INTERNAL || err->kind == LODGE_ERROR_HYPERVISOR ||
                  err->kind == LODGE_ERROR_UNRESPONSIVE;
    if (!may_be) {
        return;
    }
    AUTO(virDomainFree) virDomainPtr domain = virDomainLookupByUUIDString(conn->libvirt, uuid);
    if (domain != NULL && is_edge(domain, err)) {
        say_edge(domain, err);
    }
}
