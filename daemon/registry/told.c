/*
 * told: errors, hosts and operations for one reader. Of an error lodge's own words are told apart
 * from libvirt's by the copy of those that it carries; what is only a text is told_text.c's.
 */
#include "registry/told_private.h"

#include "memory.h"
#include "registry/registry_private.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hosts */

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
static void add_authority(struct lodge_strings *secrets, const char *text, size_t length)
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
static void add_query(struct lodge_strings *secrets, const char *query)
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
            add_authority(&all, authority, strcspn(authority, "/?#"));
            add_query(&all, query == NULL ? "" : query + 1);
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

char *told_host_error(const struct registry_host *host, const struct viewer *viewer)
{
    const char *error = host->facts.error;
    bool is_everybodys =
        error == NULL || viewer->role == ROLE_ADMIN || strcmp(error, TOLD_HOST_IS_GONE) == 0;
    return xstrdup_or_null(is_everybodys ? error : TOLD_NOT_REACHED);
}

/* Errors */

/* Where libvirt's text begins in the message, which may end in the middle of it; NULL: it is not
 * there. */
static char *find_libvirts(struct lodge_error *err)
{
    char *found = strstr(err->message, err->libvirt.text);
    if (found != NULL || strlen(err->message) < sizeof err->message - 1) {
        return found;
    }
    for (char *at = err->message; *at != '\0'; at++) {
        if (strncmp(at, err->libvirt.text, strlen(at)) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Leaves what lodge says, before libvirt's text and after it. */
static void cut_libvirts(struct lodge_error *err)
{
    size_t length = strlen(err->libvirt.text);
    char *found = length == 0 ? NULL : find_libvirts(err);
    if (found != NULL) {
        /* What was too long to be kept whole goes on behind it in the message. */
        bool is_whole = length < sizeof err->libvirt.text - 1 && strlen(found) >= length;
        AUTO(free) char *after = xstrdup(is_whole ? found + length : "");
        while (found > err->message && strchr(": ", found[-1]) != NULL) {
            found--;
        }
        *found = '\0';
        AUTO(free) char *before = xstrdup(err->message);
        (void)snprintf(err->message, sizeof err->message,
                       "%s%slibvirt's words on it are for admins%s", before,
                       *before == '\0' ? "" : ": ", after);
    }
    err->libvirt.text[0] = '\0';
}

void told_error(struct registry *registry, const struct viewer *viewer,
                const struct told_about *about, const struct lodge_error *err,
                struct lodge_error *ret_told)
{
    struct told_about of = *about;
    *ret_told = *err;
    if (viewer->role == ROLE_ADMIN) {
        return;
    }
    const struct registry_op *op =
        err->op > 0 && err->op_ended ? registry_find_op(registry, err->op) : NULL;
    if (op != NULL) {
        of = (struct told_about){op->facts.host, op->facts.uuid, op->facts.vm, false};
    }
    of.is_answer = of.is_answer && !err->op_ended;
    if (err->libvirt.code != 0 && (err->kind == LODGE_ERROR_HOST_DOWN ||
                                   !told_is_clean(registry, viewer, &of, err->libvirt.text))) {
        cut_libvirts(ret_told);
    }
    AUTO(free) char *message = told_text(registry, viewer, &of, ret_told->message);
    (void)snprintf(ret_told->message, sizeof ret_told->message, "%s", message);
}

/* Operations */

void told_op(struct registry *registry, const struct viewer *viewer, const struct lodge_op *op,
             struct told_op *ret_told)
{
    *ret_told = (struct told_op){.facts = *op, .is_cut = viewer->role != ROLE_ADMIN};
    if (!ret_told->is_cut) {
        return;
    }
    const struct told_about about = {op->host, op->uuid, op->vm, false};
    struct lodge_op *facts = &ret_told->facts;
    facts->vm = told_text(registry, viewer, &about, op->vm);
    facts->reason = told_text(registry, viewer, &about, op->reason);
    facts->error.message = told_text(registry, viewer, &about, op->error.message);
    facts->notes = (struct lodge_strings){0};
    for (size_t i = 0; i < op->notes.count; i++) {
        AUTO(free) char *note = told_text(registry, viewer, &about, op->notes.items[i]);
        if (!lodge_strings_add(&facts->notes, note)) {
            abort(); /* out of memory, as xmalloc */
        }
    }
}

void told_op_clear(struct told_op *told)
{
    if (told->is_cut) {
        free(told->facts.vm);
        free(told->facts.reason);
        free(told->facts.error.message);
        lodge_strings_clear(&told->facts.notes);
    }
}
