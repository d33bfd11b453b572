/* domain.c: what is done to a domain's definition and being. On a worker; nothing is kept. */
#include "host/guest/domain.h"

#include "host/guest/domain_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/libvirt_state.h"
#include "host/xml/domain_xml_read.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool domain_fail(struct host_conn *conn, const char *what, virDomainPtr domain,
                 struct lodge_error *err)
{
    (void)libvirt_fail(err, "%s", what);
    int state = 0;
    /* The test driver says so of guests that are not in the state for it. */
    if (host_uri(conn->host)->is_test && err->libvirt.code == VIR_ERR_INTERNAL_ERROR) {
        err->kind = LODGE_ERROR_BAD_STATE;
    }
    if (err->kind == LODGE_ERROR_BAD_STATE && virDomainGetState(domain, &state, NULL, 0) == 0) {
        snprintf(err->state, sizeof err->state, "%s", lodge_vm_state_name(libvirt_state(state)));
    }
    return false;
}

/* The domain, or NULL: absent when `*ret_ok`, a failure otherwise. */
static virDomainPtr domain_if_any(struct host_conn *conn, const char *uuid, bool *ret_ok,
                                  struct lodge_error *err)
{
    virDomainPtr domain = host_conn_domain(conn, uuid, err);
    *ret_ok = domain != NULL || err->kind == LODGE_ERROR_NOT_FOUND;
    if (domain == NULL && *ret_ok) {
        *err = (struct lodge_error){0};
    }
    return domain;
}

/* Its mark; none is no failure (VIR_ERR_NO_DOMAIN_METADATA). */
static struct domain_mark domain_read_mark(virDomainPtr domain, const char *uuid)
{
    AUTO(free)
    char *metadata =
        virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, DOMAIN_XML_NAMESPACE, 0);
    return metadata == NULL ? (struct domain_mark){.op = 0} : domain_xml_read_mark(metadata, uuid);
}

bool domain_look(struct host_conn *conn, const char *uuid, struct domain_look *ret_look,
                 struct lodge_error *err)
{
    bool ok = false;
    *ret_look = (struct domain_look){.present = false, .run = LODGE_UNKNOWN};
    AUTO(virDomainFree) virDomainPtr domain = domain_if_any(conn, uuid, &ok, err);
    if (domain == NULL) {
        return ok;
    }
    int state = 0;
    int reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) < 0) {
        (void)libvirt_fail(err, "the state of domain %s", uuid);
        bool gone = err->kind == LODGE_ERROR_NOT_FOUND;
        *err = gone ? (struct lodge_error){0} : *err;
        return gone;
    }
    ret_look->present = true;
    ret_look->state = libvirt_state(state);
    ret_look->active = virDomainIsActive(domain) == 1;
    ret_look->run = libvirt_run(domain);
    ret_look->persistent = virDomainIsPersistent(domain) == 1;
    ret_look->managed_save = virDomainHasManagedSaveImage(domain, 0) == 1;
    const char *word = libvirt_reason(state, reason);
    snprintf(ret_look->reason, sizeof ret_look->reason, "%s", word == NULL ? "" : word);
    snprintf(ret_look->name, sizeof ret_look->name, "%.255s", virDomainGetName(domain));
    const struct domain_mark mark = domain_read_mark(domain, uuid);
    memcpy(ret_look->installation, mark.installation, sizeof ret_look->installation);
    ret_look->op = mark.op;
    ret_look->committed = mark.committed;
    return true;
}

bool domain_define(struct host_conn *conn, const char *xml, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = virDomainDefineXML(conn->libvirt, xml);
    if (domain == NULL && virGetLastErrorCode() == VIR_ERR_XML_ERROR &&
        host_uri(conn->host)->is_test == false) {
        (void)libvirt_fail(err, "host '%s' does not take this definition", host_name(conn->host));
        err->kind = LODGE_ERROR_HYPERVISOR;
        return false;
    }
    return domain != NULL ||
           libvirt_fail(err, "host '%s' refused the definition", host_name(conn->host));
}

size_t domain_undefine_ways(const struct undefine *how, bool has_files,
                            unsigned ret_flags[static UNDEFINE_WAYS])
{
    const unsigned base = VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                          (how->keeps_save ? 0 : VIR_DOMAIN_UNDEFINE_MANAGED_SAVE);
    const unsigned more =
        base | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA |
        (how->keeps_nvram ? VIR_DOMAIN_UNDEFINE_KEEP_NVRAM : VIR_DOMAIN_UNDEFINE_NVRAM);
    const unsigned all =
        more | (how->keeps_tpm ? VIR_DOMAIN_UNDEFINE_KEEP_TPM : VIR_DOMAIN_UNDEFINE_TPM);
    const unsigned ways[UNDEFINE_WAYS] = {all, more, base, 0};
    unsigned must = 0;
    if (has_files && how->has_nvram && how->keeps_nvram) {
        must |= VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
    }
    if (has_files && how->has_tpm && how->keeps_tpm) {
        must |= VIR_DOMAIN_UNDEFINE_KEEP_TPM;
    }
    size_t count = 0;
    while (count < UNDEFINE_WAYS && (ways[count] & must) == must) {
        ret_flags[count] = ways[count];
        count++;
    }
    return count;
}

bool host_conn_can_keep_tpm(const struct host_conn *conn)
{
    enum { SINCE = 8009000 };
    unsigned long version = 0;
    return virConnectGetLibVersion(conn->libvirt, &version) == 0 && version >= SINCE;
}

bool domain_undefine(struct host_conn *conn, const char *uuid, const struct undefine *how,
                     struct lodge_error *err)
{
    bool ok = false;
    unsigned ways[UNDEFINE_WAYS];
    AUTO(virDomainFree) virDomainPtr domain = domain_if_any(conn, uuid, &ok, err);
    if (domain == NULL || virDomainIsPersistent(domain) == 0) {
        return ok; /* a transient one has no definition: it goes with its QEMU */
    }
    /* The test driver knows few of these flags, and has no files. */
    size_t count = domain_undefine_ways(how, !host_uri(conn->host)->is_test, ways);
    bool is_unknown = true;
    for (size_t i = 0; is_unknown && i < count; i++) {
        if (virDomainUndefineFlags(domain, ways[i]) == 0) {
            return true;
        }
        int code = virGetLastErrorCode();
        if (code == VIR_ERR_NO_DOMAIN) {
            return true;
        }
        is_unknown = code == VIR_ERR_INVALID_ARG || code == VIR_ERR_ARGUMENT_UNSUPPORTED ||
                     code == VIR_ERR_NO_SUPPORT;
    }
    (void)libvirt_fail(err, "domain %s could not be undefined", uuid);
    if (how->keeps_save && err->kind == LODGE_ERROR_BAD_STATE &&
        virDomainHasManagedSaveImage(domain, 0) == 1) {
        *err = (struct lodge_error){.libvirt = err->libvirt};
        return lodge_fail(
            err, LODGE_ERROR_BAD_STATE,
            "'%s' is saved, lodge did not make it, and libvirt would delete the saved "
            "state with it: start it first, or end that by hand (virsh "
            "managedsave-remove %s)",
            virDomainGetName(domain), uuid);
    }
    if (is_unknown && count < UNDEFINE_WAYS) {
        err->kind = LODGE_ERROR_UNSUPPORTED; /* a libvirt that cannot keep what must be kept */
    }
    return false;
}

bool domain_start(struct host_conn *conn, const char *uuid, bool paused, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = host_conn_domain(conn, uuid, err);
    if (domain == NULL) {
        return false;
    }
    if (virDomainCreateWithFlags(domain, paused ? VIR_DOMAIN_START_PAUSED : 0) == 0) {
        return true;
    }
    (void)domain_fail(conn, "it could not be started", domain, err);
    if (err->kind == LODGE_ERROR_BAD_STATE && virDomainIsActive(domain) == 1) {
        *err = (struct lodge_error){0};
        return true;
    }
    return false;
}

bool domain_destroy(struct host_conn *conn, const char *uuid, struct lodge_error *err)
{
    return domain_destroy_run(conn, uuid, LODGE_UNKNOWN, err);
}

bool domain_destroy_run(struct host_conn *conn, const char *uuid, int64_t run,
                        struct lodge_error *err)
{
    bool ok = false;
    AUTO(virDomainFree) virDomainPtr domain = domain_if_any(conn, uuid, &ok, err);
    if (domain == NULL || virDomainIsActive(domain) == 0 ||
        (run != LODGE_UNKNOWN && libvirt_run(domain) != run)) {
        return ok;
    }
    if (virDomainDestroyFlags(domain, 0) == 0) {
        return true;
    }
    /* It raced the guest's own end (libvirt.md: 42 or 55). */
    int code = virGetLastErrorCode();
    bool over = code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_OPERATION_INVALID;
    return over || libvirt_fail(err, "domain %s could not be destroyed", uuid);
}

char *domain_get_xml(struct host_conn *conn, const char *uuid, enum domain_xml_which which,
                     struct lodge_error *err)
{
    static const unsigned flags[] = {
        [XML_OF_RUN] = 0,
        [XML_OF_NEXT_BOOT] = VIR_DOMAIN_XML_INACTIVE,
        [XML_WITH_SECRETS] = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE,
    };
    AUTO(virDomainFree) virDomainPtr domain = host_conn_domain(conn, uuid, err);
    if (domain == NULL) {
        return NULL;
    }
    char *xml = virDomainGetXMLDesc(domain, flags[which]);
    if (xml == NULL) {
        (void)libvirt_fail(err, "the definition of domain %s", uuid);
    }
    return xml;
}

bool domain_set_autostart(struct host_conn *conn, const char *uuid, bool on,
                          struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = host_conn_domain(conn, uuid, err);
    return domain != NULL && (virDomainSetAutostart(domain, on ? 1 : 0) == 0 ||
                              domain_fail(conn, "autostart could not be set", domain, err));
}

bool domain_rename(struct host_conn *conn, const char *uuid, const char *name,
                   struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = host_conn_domain(conn, uuid, err);
    return domain != NULL && (virDomainRename(domain, name, 0) == 0 ||
                              domain_fail(conn, "it could not be renamed", domain, err));
}

bool network_look_up(struct host_conn *conn, const char *name, enum network_presence *ret_network,
                     struct lodge_error *err)
{
    virNetworkPtr network = virNetworkLookupByName(conn->libvirt, name);
    *ret_network = NETWORK_ABSENT;
    if (network != NULL) {
        *ret_network = virNetworkIsActive(network) == 1 ? NETWORK_ACTIVE : NETWORK_INACTIVE;
        virNetworkFree(network);
        return true;
    }
    int code = virGetLastErrorCode();
    return code == VIR_ERR_NO_NETWORK || code == VIR_ERR_NO_SUPPORT ||
           libvirt_fail(err, "network '%s'", name);
}
