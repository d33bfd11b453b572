/*
 * uri: takes DRIVER+TRANSPORT://SERVER/PATH?QUERY apart by hand, and derives the facts from driver,
 * transport and path by name. A struct uri owns its texts.
 *
 * host_uris_check() refuses before anything is opened what cannot work in one process (two embedded
 * drivers, or one beside a plain local URI) and an embedded root too long for its guests' sockets.
 */
#include "host/uri.h"
#include "host/host.h"
#include "memory.h"
#include "scope.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* libvirt puts its monitor sockets at ROOT/lib/…/domain-ID-NAME/monitor.sock, and a socket's path
 * has at most 107 bytes: with a longer root not even a guest called "a" starts. */
enum { LONGEST_ROOT = 107 - 10 - (int)sizeof "domain-1-a" + 1 - 13 };

static int hex_digit(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

static char *percent_decoded(const char *text, size_t length)
{
    char *decoded = xmalloc(length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%' && i + 2 < length && isxdigit((unsigned char)text[i + 1]) &&
            isxdigit((unsigned char)text[i + 2])) {
            decoded[used++] = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            decoded[used++] = text[i];
        }
    }
    decoded[used] = '\0';
    return decoded;
}

/* The value of `name` in the query part, decoded and owned by the caller, or NULL. */
static char *query_value(const char *query, const char *name)
{
    size_t name_length = strlen(name);
    while (query != NULL && *query != '\0') {
        size_t length = strcspn(query, "&;#");
        if (length > name_length && strncmp(query, name, name_length) == 0 &&
            query[name_length] == '=') {
            return percent_decoded(query + name_length + 1, length - name_length - 1);
        }
        query += length;
        query += *query == '\0' ? 0 : 1;
    }
    return NULL;
}

/* Of "user@name:port" or "user@[address]:port"; the caller's, or NULL. */
static char *server_name(const char *text, size_t length)
{
    const char *at = length == 0 ? NULL : memchr(text, '@', length);
    const char *start = at == NULL ? text : at + 1;
    length -= (size_t)(start - text);
    const char *close = length > 0 && *start == '[' ? memchr(start, ']', length) : NULL;
    if (close != NULL) {
        start++;
        length = (size_t)(close - start);
    } else {
        const char *port = length == 0 ? NULL : memchr(start, ':', length);
        length = port == NULL ? length : (size_t)(port - start);
    }
    return length == 0 ? NULL : percent_decoded(start, length);
}

static bool starts_with(const char *text, size_t length, const char *start)
{
    return length >= strlen(start) && strncmp(text, start, strlen(start)) == 0;
}

void uri_read(struct uri *ret_uri, const char *text)
{
    *ret_uri = (struct uri){0};
    const char *colon = strstr(text, "://");
    size_t scheme = colon == NULL ? strlen(text) : (size_t)(colon - text);
    size_t driver = strcspn(text, "+:");
    const char *transport = driver < scheme ? text + driver : "";
    size_t transport_length = scheme - (driver < scheme ? driver : scheme);
    const char *server = colon == NULL ? "" : colon + 3;
    const char *path = server + strcspn(server, "/?#");
    size_t path_length = strcspn(path, "?#");
    const char *query = path[path_length] == '?' ? path + path_length + 1 : NULL;

    bool is_qemu = driver == 4 && strncmp(text, "qemu", 4) == 0;
    bool plain = path == server && transport_length == 0;
    AUTO(free) char *socket = query_value(query, "socket");
    AUTO(free) char *no_tty = query_value(query, "no_tty");

    ret_uri->server = server_name(server, (size_t)(path - server));
    ret_uri->is_test = driver == 4 && strncmp(text, "test", 4) == 0;
    ret_uri->is_embedded =
        is_qemu && plain && path_length == 6 && strncmp(path, "/embed", path_length) == 0;
    ret_uri->is_session =
        is_qemu && path_length == 8 && strncmp(path, "/session", path_length) == 0;
    ret_uri->is_local =
        path == server &&
        (transport_length == 0 ||
         (transport_length == 5 && starts_with(transport, transport_length, "+unix")));
    ret_uri->in_process = ret_uri->is_embedded || (ret_uri->is_test && plain);
    ret_uri->has_socket = socket != NULL;
    ret_uri->made_here = ret_uri->is_test && plain;
    ret_uri->one_world =
        ret_uri->is_embedded ||
        (ret_uri->is_test && !(path_length == 8 && strncmp(path, "/default", 8) == 0));
    ret_uri->root = ret_uri->is_embedded ? query_value(query, "root") : NULL;

    bool may_ask = transport_length == 4 && starts_with(transport, transport_length, "+ssh");
    ret_uri->text = may_ask && no_tty == NULL
                        ? xasprintf("%s%sno_tty=1", text, query == NULL ? "?" : "&")
                        : xstrdup(text);
}

void uri_clear(struct uri *uri)
{
    free(uri->text);
    free(uri->root);
    free(uri->server);
    *uri = (struct uri){0};
}

static bool embedded_check(const char *name, const struct uri *uri, struct lodge_error *err)
{
    if (uri->root == NULL) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "host '%s': qemu:///embed wants a folder: qemu:///embed?root=/DIR", name);
    }
    if (uri->root[0] != '/') {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "host '%s': root=%s must be an absolute path: libvirt refuses others",
                          name, uri->root);
    }
    if (strlen(uri->root) > LONGEST_ROOT) {
        return lodge_fail(
            err, LODGE_ERROR_INVALID,
            "host '%s': root=%s is longer than %d bytes, so that no guest could start "
            "below it (a socket's path has at most 107): use a short symbolic link",
            name, uri->root, LONGEST_ROOT);
    }
    return true;
}

bool host_uris_check(const char *const *names, const char *const *uris, size_t count,
                     struct lodge_error *err)
{
    const char *embedded = NULL;
    const char *plain = NULL;
    const char *plain_uri = NULL;
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        struct uri uri;
        uri_read(&uri, uris[i]);
        if (strstr(uris[i], "://") == NULL) {
            good = lodge_fail(err, LODGE_ERROR_INVALID,
                              "host '%s': '%s' is not a libvirt URI (like qemu:///system)",
                              names[i], uris[i]);
        } else if (uri.is_embedded && embedded != NULL) {
            good = lodge_fail(err, LODGE_ERROR_INVALID,
                              "hosts '%s' and '%s' are both embedded drivers: one process can have "
                              "one root only",
                              embedded, names[i]);
        } else if (uri.is_embedded) {
            good = embedded_check(names[i], &uri, err);
            embedded = names[i];
        } else if (uri.is_local && !uri.is_test && !uri.has_socket) {
            plain = names[i];
            plain_uri = uris[i];
        }
        uri_clear(&uri);
    }
    if (good && embedded != NULL && plain != NULL) {
        good =
            lodge_fail(err, LODGE_ERROR_INVALID,
                       "host '%s' (%s) cannot be opened beside the embedded driver of host '%s'; "
                       "this form works: qemu+unix:///system?socket=/run/libvirt/libvirt-sock",
                       plain, plain_uri, embedded);
    }
    return good;
}
