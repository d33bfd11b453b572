/*
 * web_admit: whether what a browser says about itself lets it in (RFC 9110 7.2 Host, RFC 6454
 * Origin, RFC 6455 4.1 subprotocols). Pure: no I/O, no state; any thread.
 *
 * A page of somebody else's that knows our address must not get a screen: its Origin is another
 * one. And a name that somebody else points at us (DNS rebinding) is no Host of ours.
 */
#ifndef CONSOLE_WEB_ADMIT_H
#define CONSOLE_WEB_ADMIT_H

#include "console/ticket.h"
#include "lodge/error.h"
#include "lodge/strings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web_names {
    const struct lodge_strings *hosts;   /* NAME or NAME:PORT */
    const struct lodge_strings *origins; /* SCHEME://NAME or SCHEME://NAME:PORT */
    const char *public_origin;           /* that of a proxy's pages which are ours, or NULL */
};

/* The Origin of pages at `url`, as a browser says it, SCHEME://NAME with the port where that is not
 * the scheme's own. The caller frees. */
char *web_origin_of(const char *url);

/* Whether `host`, a Host header, is loopback, a configured or the public name, or the address that
 * the browser has reached (`reached`, as text without a port). A port is only looked at where one
 * is configured: it may be another one at the near end of a tunnel. */
bool web_host_is_ours(const char *host, const char *reached, const struct web_names *names);

/* Whether an Origin header is that of a page which `host` served, a configured one, or the public
 * one. */
bool web_origin_is_ours(const char *origin, const char *host, const struct web_names *names);

/* The subprotocols that an upgrade offers: `binary`, which is what is spoken, and behind it the
 * page's secret as `back.` and TICKET_TEXT digits, which is never answered. A browser lets a page
 * set no header but this one; addresses are logged on the way, and what a browser keeps and sends
 * by itself goes to every port of the host name. */
struct web_offer {
    bool has_told; /* `told`: it takes text messages, which say what its guest does */
    bool has_secret;
    struct ticket secret;
};

/* False with DENIED: without `binary`, or with a secret that is none, that is one of two, or that
 * stands before `binary` (libwebsockets 4.1.6 hangs up at a word of 64 bytes before one it knows).
 * It is refused rather than ignored: its page would else be let in, and only hear at its first
 * broken connection that it cannot come back. Other words are ignored. `header` is taken apart. */
bool web_offer_read(char *header, struct web_offer *ret_offer, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
