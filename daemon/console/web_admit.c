/*
 * web_admit: a Host is taken apart into name and port, an Origin compared as a whole, the offered
 * subprotocols word by word; no name is looked up anywhere.
 */
#include "console/web_admit.h"

#include "memory.h"
#include "scope.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 255, PORT_MAX_DIGITS = 5 };

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= PORT_MAX_DIGITS && text[digits] == '\0';
}

/* The name without its port, a literal IPv6 address without its brackets. */
static bool host_name_of(const char *host, char ret_name[static NAME_MAX_BYTES + 1])
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

static bool is_loopback_name(const char *name)
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
            host_name_of(item, entry) && strcasecmp(entry, name) == 0 && strrchr(item, ':') == NULL;
        if (whole || any_port) {
            return true;
        }
    }
    return false;
}

char *web_origin_of(const char *url)
{
    size_t scheme = (size_t)(strstr(url, "://") + 3 - url);
    size_t length = scheme + strcspn(url + scheme, "/");
    AUTO(free) char *origin = xstrndup(url, length);
    const char *own = strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
    size_t tail = strlen(own);
    if (length - scheme > tail && strcmp(origin + length - tail, own) == 0) {
        origin[length - tail] = '\0';
    }
    return TAKE(origin);
}

/* Its port is the proxy's, which need not send it on. */
static bool is_public(const char *name, const struct web_names *names)
{
    char ours[NAME_MAX_BYTES + 1];
    return names->public_origin != NULL &&
           host_name_of(strstr(names->public_origin, "://") + 3, ours) &&
           strcasecmp(name, ours) == 0;
}

bool web_host_is_ours(const char *host, const char *reached, const struct web_names *names)
{
    char name[NAME_MAX_BYTES + 1];
    return host_name_of(host, name) &&
           (is_loopback_name(name) || strcasecmp(name, reached) == 0 || is_public(name, names) ||
            is_configured(host, name, names->hosts));
}

bool web_origin_is_ours(const char *origin, const char *host, const struct web_names *names)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        size_t length = strlen(schemes[i]);
        if (strncasecmp(origin, schemes[i], length) == 0 &&
            strcasecmp(origin + length, host) == 0) {
            return true;
        }
    }
    if (names->public_origin != NULL && strcasecmp(names->public_origin, origin) == 0) {
        return true;
    }
    for (size_t i = 0; i < names->origins->count; i++) {
        if (strcasecmp(names->origins->items[i], origin) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether `word` is the page's secret; false with what is wrong with it in `err`. */
static bool read_secret(const char *word, struct web_offer *offer, struct lodge_error *err)
{
    if (offer->has_secret) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "two secrets are offered to come back with");
    }
    offer->has_secret = ticket_read(word, strlen(word), &offer->secret);
    return offer->has_secret ||
           lodge_fail(err, LODGE_ERROR_DENIED,
                      "the secret to come back with must be %d hexadecimal digits in small letters",
                      TICKET_TEXT);
}

bool web_offer_read(char *header, struct web_offer *ret_offer, struct lodge_error *err)
{
    static const char back[] = "back.";
    bool has_binary = false;
    char *rest = header;
    *ret_offer = (struct web_offer){0};
    for (char *word; (word = strsep(&rest, ", \t")) != NULL;) {
        bool is_secret = strncmp(word, back, sizeof back - 1) == 0;
        has_binary = has_binary || strcmp(word, "binary") == 0;
        ret_offer->has_told = ret_offer->has_told || strcmp(word, "told") == 0;
        if (is_secret && !read_secret(word + sizeof back - 1, ret_offer, err)) {
            return false;
        }
        if (is_secret && !has_binary) {
            return lodge_fail(err, LODGE_ERROR_DENIED, "offer the subprotocol binary first");
        }
    }
    return has_binary || lodge_fail(err, LODGE_ERROR_DENIED, "the subprotocol must be binary");
}
