/* domain_live.c: what is asked of a guest's QEMU. Each of these takes the guest's job and its
 * monitor, so a QEMU that hangs would hold a worker for ever: it is looked at first. */
#include "host/guest/domain_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/libvirt_state.h"
#include "host/xml/domain_xml_read.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdio.h>

enum { OCCUPIED_MS = 2000 };

/* virDomainGetControlInfo never blocks; drivers without it have no monitor that could hang. */
static bool answers(virDomainPtr domain, struct lodge_error *err)
{
    virDomainControlInfo info;
    if (virDomainGetControlInfo(domain, &info, 0) < 0) {
        return true;
    }
    bool stuck = info.state == VIR_DOMAIN_CONTROL_ERROR ||
                 (info.state == VIR_DOMAIN_CONTROL_OCCUPIED && info.stateTime >= OCCUPIED_MS);
    if (stuck) {
        err->since_ms = loop_wall_ms() - (int64_t)info.stateTime;
        return lodge_fail(err, LODGE_ERROR_UNRESPONSIVE,
                          "QEMU of '%s' has not answered for %lld s: force it off (vm.stop)",
                          virDomainGetName(domain), (long long)info.stateTime / 1000);
    }
    return true;
}

virDomainPtr domain_reach(struct host_conn *conn, const char *uuid, struct lodge_error *err)
{
    virDomainPtr domain = host_conn_domain(conn, uuid, err);
    if (domain != NULL && !answers(domain, err)) {
        virDomainFree(domain);
        return NULL;
    }
    return domain;
}

virDomainPtr domain_reach_run(struct host_conn *conn, const char *uuid, int64_t run,
                              struct lodge_error *err)
{
    virDomainPtr domain = domain_reach(conn, uuid, err);
    if (domain != NULL && run != LODGE_UNKNOWN && libvirt_run(domain) != run) {
        bool is_on = virDomainIsActive(domain) == 1;
        (void)lodge_fail(err, is_on ? LODGE_ERROR_CONFLICT : LODGE_ERROR_BAD_STATE,
                         is_on ? "'%s' has been started anew since it was asked for: nothing was "
                                 "done to it"
                               : "'%s' has shut off since it was asked for",
                         virDomainGetName(domain));
        (void)snprintf(err->state, sizeof err->state, "%s", is_on ? "" : "shutoff");
        virDomainFree(domain);
        return NULL;
    }
    return domain;
}

/* It was asked for what is so already: libvirt calls that an error (55), we do not. */
static bool is_so(virDomainPtr domain, enum lodge_vm_state wanted, struct lodge_error *err)
{
    int state = 0;
    if (err->kind != LODGE_ERROR_BAD_STATE || virDomainGetState(domain, &state, NULL, 0) < 0 ||
        libvirt_state(state) != wanted) {
        return false;
    }
    *err = (struct lodge_error){0};
    return true;
}

bool domain_resume(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL && (virDomainResume(domain) == 0 ||
                              domain_fail(conn, "it could not be resumed", domain, err) ||
                              is_so(domain, LODGE_VM_RUNNING, err));
}

bool domain_suspend(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL && (virDomainSuspend(domain) == 0 ||
                              domain_fail(conn, "it could not be paused", domain, err) ||
                              is_so(domain, LODGE_VM_PAUSED, err));
}

bool domain_shutdown_acpi(struct host_conn *conn, const char *uuid, int64_t run,
                          struct lodge_error *err)
{
    unsigned flags = host_uri(conn->host)->is_test ? 0 : VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN;
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL && (virDomainShutdownFlags(domain, flags) == 0 ||
                              domain_fail(conn, "it could not be shut down", domain, err) ||
                              is_so(domain, LODGE_VM_SHUTOFF, err));
}

bool domain_shutdown_agent(struct host_conn *conn, const char *uuid, int64_t run,
                           struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL &&
           (virDomainShutdownFlags(domain, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT) == 0 ||
            domain_fail(conn, "its agent could not shut it down", domain, err));
}

bool domain_reboot(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL && (virDomainReboot(domain, 0) == 0 ||
                              domain_fail(conn, "it could not be rebooted", domain, err));
}

bool domain_reset(struct host_conn *conn, const char *uuid, int64_t run, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL && (virDomainReset(domain, 0) == 0 ||
                              domain_fail(conn, "it could not be reset", domain, err));
}

bool domain_inject_nmi(struct host_conn *conn, const char *uuid, int64_t run,
                       struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL && (virDomainInjectNMI(domain, 0) == 0 ||
                              domain_fail(conn, "the NMI could not be sent", domain, err));
}

bool domain_managed_save(struct host_conn *conn, const char *uuid, int64_t run,
                         struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach_run(conn, uuid, run, err);
    return domain != NULL && (virDomainManagedSave(domain, 0) == 0 ||
                              domain_fail(conn, "it could not be saved", domain, err));
}

/* A refusal that says "not while it runs" in whatever words is UNSUPPORTED here. */
static bool cannot_live(struct host_conn *conn, const char *what, virDomainPtr domain,
                        struct lodge_error *err)
{
    (void)domain_fail(conn, what, domain, err);
    if (err->kind != LODGE_ERROR_HOST_DOWN && err->kind != LODGE_ERROR_NOT_FOUND) {
        err->kind = LODGE_ERROR_UNSUPPORTED;
    }
    return false;
}

bool domain_set_vcpus_live(struct host_conn *conn, const char *uuid, int64_t vcpus,
                           struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    return domain != NULL &&
           (virDomainSetVcpusFlags(domain, (unsigned)vcpus, VIR_DOMAIN_AFFECT_LIVE) == 0 ||
            cannot_live(conn, "its vCPUs cannot change while it runs", domain, err));
}

bool domain_set_memory_live(struct host_conn *conn, const char *uuid, int64_t mib,
                            struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    return domain != NULL &&
           (virDomainSetMemoryFlags(domain, (unsigned long)mib * 1024, VIR_DOMAIN_AFFECT_LIVE) ==
                0 ||
            cannot_live(conn, "its memory cannot change so while it runs", domain, err));
}

bool domain_set_words_live(struct host_conn *conn, const char *uuid, const char *words,
                           struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    return domain != NULL &&
           (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, words, "lodge",
                                 DOMAIN_XML_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE) == 0 ||
            cannot_live(conn, "its tags cannot change while it runs", domain, err));
}

bool domain_change_media_live(struct host_conn *conn, const char *uuid, const char *disk_xml,
                              struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    return domain != NULL &&
           (virDomainUpdateDeviceFlags(domain, disk_xml, VIR_DOMAIN_AFFECT_LIVE) == 0 ||
            domain_fail(conn, "its drive could not be changed", domain, err));
}
