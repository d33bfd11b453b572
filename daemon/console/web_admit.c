/*
 * web_admit: a Host is taken apart into name and port, an Origin compared as a whole; no name is
 * looked up anywhere.
 */
#include "console/web_admit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 255, PORT_MAX_DIGITS = 5 };

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= PORT_MAX_DIGITS && text[digits] == '\0';
}

/* The name without its port, a literal IPv6 address without its brackets. */
static bool name_of(const char *host, char ret_name[static NAME_MAX_BYTES + 1])
{
    bool bracketed = host[0] == '[';
    const char *start = bracketed ? host + 1 : host;
    size_t length = strcspn(start, bracketed ? "]" : ":");
    const char *rest = start + length;
    if (length == 0 || length > NAME_MAX_BYTES || (bracketed && *rest != ']')) {
        return false;
    }
    rest += bracketed ? 1 : 0;
    if (*rest != '\0' && (*rest != ':' || !is_port(rest + 1))) {
        return false;
    }
    memcpy(ret_name, start, length);
    ret_name[length] = '\0';
    return true;
}

static bool is_loopback(const char *name)
{
    struct in_addr four;
    struct in6_addr six;
    if (strcasecmp(name, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, name, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool is_configured(const char *host, const char *name, const struct lodge_strings *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        char entry[NAME_MAX_BYTES + 1];
        const char *item = hosts->items[i];
        bool whole = strcasecmp(item, host) == 0;
        bool any_port =
            name_of(item, entry) && strcasecmp(entry, name) == 0 && strrchr(item, ':') == NULL;
        if (whole || any_port) {
            return true;
        }
    }
    return false;
}

bool web_host_is_ours(const char *host, const char *reached, const struct web_names *names)
{
    char name[NAME_MAX_BYTES + 1];
    return name_of(host, name) && (is_loopback(name) || strcasecmp(name, reached) == 0 ||
                                   is_configured(host, name, names->hosts));
}

bool web_origin_is_ours(const char *origin, const char *host, const struct web_names *names)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        if (strncasecmp(origin, schemes[i], length) == 0 &&
            strcasecmp(origin + length, host) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < names->origins->count; i++) {
        if (strcasecmp(names->origins->items[i], origin) == 0) {
            return true;
        }
    }
    return false;
}

const char *web_cookie_find(const char *header, const char *name, size_t *ret_length)
{
    size_t length = strlen(name);
    for (const char *at = header; *at != '\0';) {
        at += strspn(at, " ;");
        size_t pair = strcspn(at, ";");
        if (pair > length && strncmp(at, name, length) == 0 && at[length] == '=') {
            *ret_length = pair - length - 1;
            return at + length + 1;
        }
        at += pair;
    }
    return NULL;
}
