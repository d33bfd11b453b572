/*
 * told_secrets: the names that hosts' URIs hold (users, machines, files), which are for admins:
 * made once of all URIs, and again after a host was added. The registry owns the list; loop-only.
 */
#include "registry/told_private.h"

#include "memory.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

/* Unless it is a number, as a port is. */
static void add_secret(struct lodge_strings *secrets, const char *text, size_t length)
{
    AUTO(free) char *secret = xstrndup(text, length);
    if (length > 1 && strspn(secret, "0123456789") < length && strchr(secret, '/') == NULL &&
        !lodge_strings_add(secrets, secret)) {
        abort(); /* out of memory, as xmalloc */
    }
}

/* Of USER@SERVER:PORT or USER@[ADDRESS]:PORT. */
static void add_uri_authority(struct lodge_strings *secrets, const char *text, size_t length)
{
    const char *at = length == 0 ? NULL : memchr(text, '@', length);
    const char *server = at == NULL ? text : at + 1;
    size_t left = length - (size_t)(server - text);
    bool has_brackets = left > 0 && *server == '[';
    if (at != NULL) {
        add_secret(secrets, text, (size_t)(at - text));
    }
    server += has_brackets;
    left -= has_brackets;
    size_t name = strcspn(server, has_brackets ? "]" : ":");
    add_secret(secrets, server, name < left ? name : left);
}

/* What names files and programs of the machine; those that have a path are known by it. */
static void add_uri_query(struct lodge_strings *secrets, const char *query)
{
    static const char *const names[] = {
        "keyfile=", "known_hosts=", "socket=", "command=", "netcat=", "pkipath="};
    while (*query != '\0') {
        size_t length = strcspn(query, "&;#");
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
            size_t name = strlen(names[i]);
            if (length > name && strncmp(query, names[i], name) == 0) {
                add_secret(secrets, query + name, length - name);
            }
        }
        query += length + (query[length] != '\0');
    }
}

const struct lodge_strings *told_secrets(struct registry *registry)
{
    struct lodge_strings *secrets = &registry->secrets;
    if (registry->knows_secrets) {
        return secrets;
    }
    registry->knows_secrets = true;
    lodge_strings_clear(secrets);
    struct lodge_strings all = {0};
    struct registry_host *host = registry_first_host(registry);
    for (; host != NULL; host = host->next) {
        const char *authority = host->facts.uri == NULL ? NULL : strstr(host->facts.uri, "://");
        if (authority != NULL) {
            authority += 3;
            const char *query = strchr(authority, '?');
            add_uri_authority(&all, authority, strcspn(authority, "/?#"));
            add_uri_query(&all, query == NULL ? "" : query + 1);
        }
    }
    for (size_t i = 0; i < all.count; i++) {
        /* By its name in lodge everybody knows a host. */
        if (registry_find_host(registry, all.items[i]) == NULL) {
            add_secret(secrets, all.items[i], strlen(all.items[i]));
        }
    }
    lodge_strings_clear(&all);
    return secrets;
}
