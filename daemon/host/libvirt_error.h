/* libvirt_error: libvirt's last error as ours, read in the statement after the call that failed. */
#ifndef HOST_LIBVIRT_ERROR_H
#define HOST_LIBVIRT_ERROR_H

#include "lodge/error.h"

/* Fills `err` from this thread's last libvirt error, with what was tried in front of its text; the
 * kind follows from code and domain. HOST_DOWN means that the outcome is unknown. Returns false. */
bool libvirt_fail(struct lodge_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What a person can do about a connection that does not open; "" when nothing better is known than
 * libvirt's own words. `uri` as configured. Any thread. */
const char *libvirt_advice(const char *uri, const struct lodge_error *error);

#endif
