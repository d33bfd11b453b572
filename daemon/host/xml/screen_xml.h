/*
 * screen_xml: where a running guest's VNC server is, by the live XML (libvirt's
 * formatdomain.html#graphical-framebuffers). Any thread.
 */
#ifndef HOST_SCREEN_XML_H
#define HOST_SCREEN_XML_H

#include "lodge/error.h"

struct screen_place {
    int index;    /* among the guest's graphics: what virDomainOpenGraphicsFD takes; -1: no VNC */
    char *socket; /* a Unix socket, or NULL */
    char *listen; /* an address, or NULL */
    int64_t port; /* LODGE_UNKNOWN: none */
};

/* False with INTERNAL for text that is no domain. The caller clears. */
bool screen_xml_read(const char *xml, struct screen_place *ret_place, struct lodge_error *err)
    LODGE_MUST_CHECK;
void screen_place_clear(struct screen_place *place);

#endif
