/*
 * open_screen: QEMU's own descriptor where the driver can give one, else a connection to the
 * address in the live XML.
 *
 * Only "this driver cannot" leads on to the address; every other failure is the answer. The
 * descriptor is the caller's. On a worker.
 */
#include "host/guest/open_screen.h"

#include "host/guest/dial.h"
#include "host/guest/domain_private.h"
#include "host/guest/edge.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/xml/screen_xml.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool make_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* By what the XML says. Who listens at every address is at loopback here, and elsewhere at the name
 * by which we reached the host: what the host calls itself need not mean anything to us. */
static int open_by_address(struct host_conn *conn, const struct screen_place *place,
                           const char *name, struct lodge_error *err)
{
    const struct uri *uri = host_uri(conn->host);
    bool here = uri->is_local || uri->is_test;
    struct dial_at at = {
        .host = place->listen == NULL ? "127.0.0.1" : place->listen,
        .port = place->port,
        .is_elsewhere = !here,
    };
    if (place->socket != NULL && here) {
        return dial_path(place->socket, name, err);
    }
    if (place->port == LODGE_UNKNOWN) {
        return dial_unreachable(name, err);
    }
    bool is_four = strcmp(at.host, "0.0.0.0") == 0;
    if (is_four || strcmp(at.host, "::") == 0) {
        at.host = here ? (is_four ? "127.0.0.1" : "::1") : uri->server;
    }
    return at.host == NULL ? dial_unreachable(name, err) : dial_port(&at, name, err);
}

static bool is_unable(void)
{
    const virError *error = virGetLastError();
    return error != NULL &&
           (error->code == VIR_ERR_NO_SUPPORT || error->code == VIR_ERR_ARGUMENT_UNSUPPORTED ||
            error->code == VIR_ERR_OPERATION_UNSUPPORTED);
}

static int open_place(struct host_conn *conn, virDomainPtr domain, const struct screen_place *place,
                      struct lodge_error *err)
{
    const char *name = virDomainGetName(domain);
    if (host_uri(conn->host)->is_local && !host_uri(conn->host)->is_test) {
        int fd = virDomainOpenGraphicsFD(domain, (unsigned)place->index,
                                         VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
        if (fd >= 0 && !make_non_blocking(fd)) {
            close(fd);
            (void)lodge_fail(err, LODGE_ERROR_INTERNAL, "the screen's socket: %s", strerror(errno));
            return -1;
        }
        if (fd >= 0) {
            return fd;
        }
        if (!is_unable()) {
            (void)domain_fail(conn, "its screen could not be opened", domain, err);
            return -1;
        }
    }
    return open_by_address(conn, place, name, err);
}

static int open_running(struct host_conn *conn, const char *uuid, struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    struct screen_place place;
    if (domain == NULL) {
        return -1;
    }
    if (virDomainIsActive(domain) != 1) {
        (void)snprintf(err->state, sizeof err->state, "shutoff");
        (void)lodge_fail(err, LODGE_ERROR_BAD_STATE,
                         "it does not run: start it first (vm.start, or `start`)");
        return -1;
    }
    if (edge_is_starting(domain, err)) {
        return -1;
    }
    AUTO(free) char *xml = virDomainGetXMLDesc(domain, 0);
    if (xml == NULL) {
        (void)domain_fail(conn, "its XML could not be read", domain, err);
        return -1;
    }
    if (!screen_xml_read(xml, &place, err)) {
        return -1;
    }
    int fd = -1;
    if (place.index < 0) {
        (void)lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                         "it has no VNC screen: its <graphics> has no type vnc");
    } else {
        fd = open_place(conn, domain, &place, err);
    }
    screen_place_clear(&place);
    return fd;
}

int domain_open_screen(struct host_conn *conn, const char *uuid, struct lodge_error *err)
{
    int fd = open_running(conn, uuid, err);
    if (fd < 0) {
        edge_tell(conn, uuid, err);
    }
    return fd;
}
