/*
 * libvirt_error: one table says what libvirt's error numbers mean to our callers.
 *
 * libvirt keeps the last error per thread, until the next call of that thread: it is read at once
 * or never. Any thread.
 */
#include "host/libvirt_error.h"
#include "host/uri.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    enum lodge_error_kind kind;
} kinds[] = {
    {VIR_ERR_NO_DOMAIN, LODGE_ERROR_NOT_FOUND},
    {VIR_ERR_NO_NETWORK, LODGE_ERROR_NOT_FOUND},
    {VIR_ERR_NO_STORAGE_POOL, LODGE_ERROR_NOT_FOUND},
    {VIR_ERR_NO_STORAGE_VOL, LODGE_ERROR_NOT_FOUND},
    {VIR_ERR_DOM_EXIST, LODGE_ERROR_EXISTS},
    {VIR_ERR_STORAGE_VOL_EXIST, LODGE_ERROR_EXISTS},
    {VIR_ERR_OPERATION_INVALID, LODGE_ERROR_BAD_STATE},
    {VIR_ERR_OPERATION_TIMEOUT, LODGE_ERROR_TIMEOUT},
    {VIR_ERR_AGENT_UNRESPONSIVE, LODGE_ERROR_UNSUPPORTED},
    {VIR_ERR_NO_SUPPORT, LODGE_ERROR_UNSUPPORTED},
    {VIR_ERR_ARGUMENT_UNSUPPORTED, LODGE_ERROR_UNSUPPORTED},
    {VIR_ERR_OPERATION_UNSUPPORTED, LODGE_ERROR_UNSUPPORTED},
    {VIR_ERR_CONFIG_UNSUPPORTED, LODGE_ERROR_UNSUPPORTED},
    {VIR_ERR_ACCESS_DENIED, LODGE_ERROR_DENIED},
    {VIR_ERR_AUTH_FAILED, LODGE_ERROR_DENIED},
    {VIR_ERR_AUTH_CANCELLED, LODGE_ERROR_DENIED},
    {VIR_ERR_AUTH_UNAVAILABLE, LODGE_ERROR_DENIED},
    {VIR_ERR_OPERATION_DENIED, LODGE_ERROR_DENIED},
    {VIR_ERR_XML_INVALID_SCHEMA, LODGE_ERROR_INTERNAL},
    {VIR_ERR_XML_ERROR, LODGE_ERROR_INTERNAL},
    {VIR_ERR_INVALID_ARG, LODGE_ERROR_INTERNAL},
};

static enum lodge_error_kind error_kind_of(int code, int domain, const char *text)
{
    /* "Too many domains '17000' for limit '16384'" is an answer that comes as an RPC error. */
    if (domain == VIR_FROM_RPC && strstr(text, "for limit") != NULL) {
        return LODGE_ERROR_TOO_MANY;
    }
    if (domain == VIR_FROM_RPC) {
        return LODGE_ERROR_HOST_DOWN;
    }
    /* A domain's name, or a file that its pool has not heard of. */
    bool says_why = code == VIR_ERR_OPERATION_FAILED || code == VIR_ERR_OPERATION_INVALID;
    if (says_why && strstr(text, "already exists") != NULL) {
        return LODGE_ERROR_EXISTS;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (kinds[i].code == code) {
            return kinds[i].kind;
        }
    }
    return LODGE_ERROR_HYPERVISOR;
}

bool libvirt_fail(struct lodge_error *err, const char *format, ...)
{
    virErrorPtr last = virGetLastError();
    int code = last == NULL ? VIR_ERR_INTERNAL_ERROR : last->code;
    int domain = last == NULL ? VIR_FROM_NONE : last->domain;
    const char *text =
        last == NULL || last->message == NULL ? "libvirt gave no reason" : last->message;

    char what[160];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (length < 0) {
        what[0] = '\0';
    }

    lodge_fail(err, error_kind_of(code, domain, text), "%s: %s", what, text);
    err->libvirt.code = code;
    err->libvirt.domain = domain;
    (void)snprintf(err->libvirt.text, sizeof err->libvirt.text, "%.*s",
                   (int)sizeof err->libvirt.text - 1, text);
    return false;
}

static bool text_says(const char *text, const char *const *words)
{
    while (*words != NULL && strstr(text, *words) == NULL) {
        words++;
    }
    return *words != NULL;
}

/* libvirt's words (9.0) for one thing that is to be done: what a libvirtd that is not there is,
 * what its polkit says no with, and what it says when it cannot ask polkit. */
static const char *const not_there[] = {"No such file or directory", "Connection refused", NULL};
static const char *const no_bus[] = {"system bus connection", "org.freedesktop.PolicyKit1", NULL};
static const char *const refused[] = {"authentication", "polkit", "access denied by policy", NULL};

static const char *advice_embedded(const char *text)
{
    return strstr(text, "pid file") != NULL
               ? "; another program has this root open: stop it, or choose another root"
           : strstr(text, "no connection driver") != NULL ? "; install libvirt-daemon-driver-qemu"
                                                          : "";
}

static const char *advice_not_there(const struct uri *uri)
{
    return uri->has_socket   ? "; is that the socket of a libvirtd that runs?"
           : uri->is_session ? "; try by hand: virsh -c qemu:///session list"
                             : "; is libvirtd running? try: systemctl start libvirtd";
}

const char *libvirt_advice(const char *uri_text, const struct lodge_error *error)
{
    struct uri uri;
    uri_read(&uri, uri_text);
    const char *text = error->libvirt.text;
    const char *advice = "";
    if (uri.is_embedded) {
        advice = advice_embedded(text);
    } else if (strstr(text, "no connection driver") != NULL) {
        advice = "; check the URI, or install the libvirt driver for it";
    } else if (uri.is_local && !uri.is_test && text_says(text, no_bus)) {
        advice = "; libvirtd runs and cannot ask polkit: systemctl start dbus polkit";
    } else if (uri.is_local && text_says(text, refused)) {
        advice = "; libvirtd runs, and polkit does not let this account in: adduser USER libvirt, "
                 "then log in again";
    } else if (strstr(text, "Permission denied") != NULL || error->kind == LODGE_ERROR_DENIED) {
        advice = "; let this account use libvirt: adduser USER libvirt, then log in again";
    } else if (uri.is_local && !uri.is_test && text_says(text, not_there)) {
        advice = advice_not_there(&uri);
    } else if (!uri.is_test) {
        advice = "; try by hand: virsh -c URI list";
    }
    uri_clear(&uri);
    return advice;
}
