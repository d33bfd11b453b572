/*
 * kvm_probe: does KVM run guests on a host, or only say so?
 *
 * A host may have /dev/kvm and still hang in its first guest (nested, broken modules). The size of
 * a diskless guest's screen tells: 720x400 means that its BIOS ran, 640x480 that nothing did
 * (libvirt.md 12: within 1 s). On any doubt QEMU's own emulation is the answer.
 */
#include "host/guest/kvm_probe.h"
#include "host/guest/autodestroy.h"
#include "host/guest/domain_private.h"
#include "host/host_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/xml/domain_xml_write.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROBE_MS = 3000, LOOK_MS = 100, HEADER_BYTES = 32 };

static void stream_free(virStreamPtr stream)
{
    virStreamFree(stream);
}
DEFINE_AUTO(virStreamPtr, stream_free, NULL);

/* A PPM's header: "P6 WIDTH HEIGHT". */
static bool bios_ran(virConnectPtr conn, virDomainPtr domain)
{
    char header[HEADER_BYTES + 1] = "";
    int width = 0;
    int height = 0;
    AUTO(stream_free) virStreamPtr stream = virStreamNew(conn, 0);
    AUTO(free) char *mime = stream == NULL ? NULL : virDomainScreenshot(domain, stream, 0, 0);
    if (mime == NULL) {
        return false;
    }
    int got = virStreamRecv(stream, header, HEADER_BYTES);
    virStreamAbort(stream);
    return got > 0 && sscanf(header, "P6 %d %d", &width, &height) == 2 && width == 720 &&
           height == 400;
}

static char *probe_xml(struct lodge_error *err)
{
    char uuid[37];
    autodestroy_uuid(AUTODESTROY_KVM_PROBE, uuid);
    AUTO(free) char *name = xasprintf("lodge-kvm-trial-%s", uuid + 24);
    struct domain_plan plan = {
        .name = name,
        .uuid = uuid,
        .installation = KVM_PROBE_MARK,
        .virt_type = "kvm",
        .vcpus = 1,
        .memory_mib = 16,
        .vnc = true,
        .is_local = true,
        .boot = &(struct lodge_strings){0},
        .tags = &(struct lodge_strings){0},
    };
    return domain_xml_write(&plan, err);
}

/* A transient guest that is gone with its QEMU, whatever happens to us; autodestroy.h has what
 * happens to libvirt. */
static bool kvm_works(struct host_conn *conn)
{
    struct lodge_error err = {0};
    AUTO(free) char *xml = probe_xml(&err);
    AUTO(virDomainFree)
    virDomainPtr domain =
        xml == NULL ? NULL : virDomainCreateXML(conn->libvirt, xml, VIR_DOMAIN_START_AUTODESTROY);
    bool works = false;
    if (domain == NULL) {
        return false;
    }
    for (int waited = 0; waited < PROBE_MS && !works; waited += LOOK_MS) {
        works = bios_ran(conn->libvirt, domain);
        /* there is no event for "the BIOS has drawn"; this happens once per host */
        struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    (void)virDomainDestroyFlags(domain, 0);
    return works;
}

/* A host's first look; a machine without the device is not tried. */
static const char *probe_host(struct host_conn *conn)
{
    if (host_uri(conn->host)->is_local && access("/dev/kvm", R_OK | W_OK) != 0) {
        return "qemu";
    }
    return kvm_works(conn) ? "kvm" : "qemu";
}

bool kvm_probe_virt_type(struct host_conn *conn, const char **ret_type, struct lodge_error *err)
{
    struct host *host = conn->host;
    pthread_mutex_lock(&host->virt_lock); /* others that want to know wait for the one probe */
    const char *type = host->virt_type == NULL ? probe_host(conn) : host->virt_type;
    bool told = host->virt_type != NULL || virConnectIsAlive(conn->libvirt) == 1;
    if (host->virt_type == NULL && told) {
        host->virt_type = xstrdup(type);
        log_with(LOG_LEVEL_INFO, LOG_HOST, &(struct log_fields){.host = host->name},
                 "guests run under %s", strcmp(type, "kvm") == 0 ? "KVM" : "QEMU's emulation");
    }
    *ret_type = host->virt_type;
    pthread_mutex_unlock(&host->virt_lock);
    return told || lodge_fail(err, LODGE_ERROR_HOST_DOWN,
                              "host '%s' went away while KVM was tried on it", host->name);
}
