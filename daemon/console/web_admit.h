/*
 * web_admit: whether what a browser says about itself lets it in (RFC 9110 7.2 Host, RFC 6454
 * Origin, RFC 6265 Cookie). Pure: no I/O, no state; any thread.
 *
 * A page of somebody else's that knows our address must not get a screen: its Origin is another
 * one. And a name that somebody else points at us (DNS rebinding) is no Host of ours.
 */
#ifndef CONSOLE_WEB_ADMIT_H
#define CONSOLE_WEB_ADMIT_H

#include "lodge/strings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web_names {
    const struct lodge_strings *hosts;   /* NAME or NAME:PORT */
    const struct lodge_strings *origins; /* SCHEME://NAME or SCHEME://NAME:PORT */
};

/* Whether `host`, a Host header, is loopback, a configured name, or the address that the browser
 * has reached (`reached`, as text without a port). A port is only looked at where one is
 * configured: it may be another one at the near end of a tunnel. */
bool web_host_is_ours(const char *host, const char *reached, const struct web_names *names);

/* Whether an Origin header is that of a page which `host` served, or a configured one. */
bool web_origin_is_ours(const char *origin, const char *host, const struct web_names *names);

/* The value of cookie `name` in a Cookie header; borrowed from it. NULL when it is not there. */
const char *web_cookie_find(const char *header, const char *name, size_t *ret_length);

#endif
