/* web_http.c: what is answered without a WebSocket, and who may have one. */
#include "console/web_page.h"
#include "console/web_private.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    HEADER_MAX = 2048,
    PATH_MAX_BYTES = 512,
    HEAD_ROOM = 2048,
    PROTOCOLS_MAX = 128,
    ORIGIN_MAX = 512
};

/* noVNC needs nothing but its own scripts, data: images (its cursor) and the WebSocket. */
static const struct lws_protocol_vhost_options referrer = {NULL, NULL,
                                                           "referrer-policy:", "no-referrer"};
static const struct lws_protocol_vhost_options opener = {
    &referrer, NULL, "cross-origin-opener-policy:", "same-origin"};
static const struct lws_protocol_vhost_options resource = {
    &opener, NULL, "cross-origin-resource-policy:", "same-origin"};
static const struct lws_protocol_vhost_options frames = {&resource, NULL,
                                                         "x-frame-options:", "DENY"};
static const struct lws_protocol_vhost_options sniffing = {&frames, NULL,
                                                           "x-content-type-options:", "nosniff"};
const struct lws_protocol_vhost_options web_headers = {
    &sniffing, NULL, "content-security-policy:",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"};

/* A header as text; "" when it is not there, false when it is longer than `size`. */
static bool header_of(struct lws *wsi, enum lws_token_indexes token, char *ret_text, int size)
{
    ret_text[0] = '\0';
    return lws_hdr_total_length(wsi, token) == 0 || lws_hdr_copy(wsi, ret_text, size, token) >= 0;
}

static bool add_header(struct lws *wsi, enum lws_token_indexes token, const char *value,
                       unsigned char **at, unsigned char *end)
{
    return lws_add_http_header_by_token(wsi, token, (const unsigned char *)value,
                                        (int)strlen(value), at, end) == 0;
}

/* Returns what the callback returns. */
static int http_answer(struct lws *wsi, unsigned status, const char *mime, const void *body,
                       size_t length)
{
    AUTO(free) unsigned char *bytes = xmalloc(LWS_PRE + HEAD_ROOM + length);
    unsigned char *start = bytes + LWS_PRE;
    unsigned char *at = start;
    unsigned char *end = start + HEAD_ROOM;
    bool good = lws_add_http_header_status(wsi, status, &at, end) == 0 &&
                add_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, mime, &at, end) &&
                add_header(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL, "no-store", &at, end) &&
                lws_add_http_header_content_length(wsi, length, &at, end) == 0 &&
                lws_finalize_http_header(wsi, &at, end) == 0 &&
                lws_write(wsi, start, (size_t)(at - start), LWS_WRITE_HTTP_HEADERS) >= 0;
    if (!good) {
        return -1;
    }
    bool is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (length > 0 && !is_head) {
        memcpy(start, body, length);
        if (lws_write(wsi, start, length, LWS_WRITE_HTTP_FINAL) < 0) {
            return -1;
        }
    }
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static int answer_text(struct lws *wsi, unsigned status, const char *text)
{
    return http_answer(wsi, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* A ticket that comes here has lost its Upgrade on the way, which is another matter. */
static bool asks_for_origin(struct lws *wsi)
{
    char room[ORIGIN_MAX];
    return lws_get_urlarg_by_name(wsi, "origin=", room, sizeof room) != NULL ||
           lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >= ORIGIN_MAX;
}

/* A browser does not tell a page why its WebSocket was refused: it asks whether its Origin was the
 * reason, which is all that is said here to anybody. */
static int answer_origin(const struct visitor *visitor, struct lws *wsi)
{
    char host[HEADER_MAX];
    char room[ORIGIN_MAX];
    struct web_names names = web_names_of(visitor->door);
    const char *origin = lws_get_urlarg_by_name(wsi, "origin=", room, sizeof room);
    bool good = origin != NULL && header_of(wsi, WSI_TOKEN_HOST, host, sizeof host) &&
                web_origin_is_ours(origin, host, &names);
    return good ? answer_text(wsi, 200, "ok\n")
                : answer_text(wsi, 403,
                              "pages of this Origin open no screens here: behind a reverse proxy "
                              "set public_url in [console] to its address\n");
}

static int answer_path(struct visitor *visitor, struct lws *wsi, const char *path)
{
    const struct web_file *file = web_page_find(path);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0 &&
        lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) == 0) {
        return answer_text(wsi, 405, "only GET and HEAD\n");
    }
    if (file != NULL) {
        return http_answer(wsi, 200, file->mime, file->bytes, file->length);
    }
    if (strcmp(path, "/healthz") == 0) {
        return answer_text(wsi, 200, "ok\n");
    }
    if (strcmp(path, "/readyz") == 0) {
        const char *trouble = visitor->door->trouble(visitor->door->owner);
        AUTO(free) char *text = xasprintf("%s\n", trouble == NULL ? "ready" : trouble);
        return answer_text(wsi, trouble == NULL ? 200 : 503, text);
    }
    if (strcmp(path, "/console") == 0 && asks_for_origin(wsi)) {
        return answer_origin(visitor, wsi);
    }
    if (strcmp(path, "/console") == 0) {
        return answer_text(wsi, 426, "this address is for WebSockets: see lodge vnc\n");
    }
    return answer_text(wsi, 404, "there is nothing here: lodge vnc VM gives an address\n");
}

static bool host_is_ours(const struct visitor *visitor, struct lws *wsi,
                         char ret_host[static HEADER_MAX])
{
    struct web_names names = web_names_of(visitor->door);
    return header_of(wsi, WSI_TOKEN_HOST, ret_host, HEADER_MAX) &&
           web_host_is_ours(ret_host, visitor->reached, &names);
}

static int refuse_host(struct lws *wsi)
{
    (void)answer_text(wsi, 403,
                      "lodged does not know itself by this name: use the address that lodge vnc "
                      "prints. Behind a reverse proxy set public_url in [console] to the address "
                      "that browsers have, such as https://example.org/lodge/; without one add "
                      "the name to hosts there\n");
    return -1;
}

/* The WebSocket. Whatever is wrong with what came is 403 to who sent it. */

static enum again_wish wish_of(struct lws *wsi)
{
    char room[16];
    const char *wish = lws_get_urlarg_by_name(wsi, "again=", room, sizeof room);
    return wish == NULL                 ? AGAIN_TOLD
           : strcmp(wish, "start") == 0 ? AGAIN_START
           : strcmp(wish, "open") == 0  ? AGAIN_OPEN
                                        : AGAIN_TOLD;
}

/* NULL also for one that has ended and is remembered: then the visitor has its number. */
static struct session *find_by_secret(struct visitor *visitor, struct lws *wsi, const char *number,
                                      struct lodge_error *err)
{
    char *end;
    long long id = strtoll(number, &end, 10);
    if (*end != '\0' || id <= 0 || !visitor->offer.has_secret) {
        (void)lodge_fail(err, LODGE_ERROR_DENIED, "there is no such session to come back to");
        return NULL;
    }
    struct console *console = visitor->door->console;
    struct session *session = console_find_secret(console, id, &visitor->offer.secret, err);
    if (session == NULL && console_remembers(console, id, &visitor->offer.secret)) {
        visitor->page = id;
        visitor->wish = wish_of(wsi);
    }
    return session;
}

/* By the ticket if there is one, and by that alone: a secret beside it is for later. */
static struct session *find_offered_session(struct visitor *visitor, struct lws *wsi,
                                            struct lodge_error *err)
{
    char room[TICKET_TEXT + 16];
    char number[40];
    const char *ticket = lws_get_urlarg_by_name(wsi, "ticket=", room, sizeof room);
    const char *session = lws_get_urlarg_by_name(wsi, "session=", number, sizeof number);
    if (ticket == NULL && session != NULL) {
        return find_by_secret(visitor, wsi, session, err);
    }
    if (ticket == NULL) {
        (void)lodge_fail(err, LODGE_ERROR_DENIED, "the ticket is not, or no longer, good");
        return NULL;
    }
    struct session *found = console_find_ticket(visitor->door->console, ticket, strlen(ticket),
                                                LODGE_SESSION_WEB, (uid_t)-1, err);
    explicit_bzero(room, sizeof room);
    return found;
}

/* Without the subprotocol libwebsockets would hang up without a word. */
static bool offers_well(struct lws *wsi, struct web_offer *ret_offer, struct lodge_error *err)
{
    char protocols[PROTOCOLS_MAX];
    bool good = header_of(wsi, WSI_TOKEN_PROTOCOL, protocols, sizeof protocols)
                    ? web_offer_read(protocols, ret_offer, err)
                    : lodge_fail(err, LODGE_ERROR_DENIED, "too many subprotocols are offered");
    explicit_bzero(protocols, sizeof protocols);
    return good;
}

static bool may_upgrade(struct visitor *visitor, struct lws *wsi, struct lodge_error *err)
{
    char host[HEADER_MAX];
    char origin[HEADER_MAX];
    char path[PATH_MAX_BYTES];
    struct web_names names = web_names_of(visitor->door);
    if (!host_is_ours(visitor, wsi, host)) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "lodged does not know itself by this Host");
    }
    if (!header_of(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) ||
        (origin[0] != '\0' && !web_origin_is_ours(origin, host, &names))) {
        return lodge_fail(err, LODGE_ERROR_DENIED,
                          "its Origin, %.100s, is not that of %.100s; if that is lodge behind a "
                          "reverse proxy, set public_url in [console] to its address",
                          origin, host);
    }
    if (!header_of(wsi, WSI_TOKEN_GET_URI, path, sizeof path) || strcmp(path, "/console") != 0) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "the WebSocket is at /console");
    }
    if (!offers_well(wsi, &visitor->offer, err)) {
        return false;
    }
    visitor->joining = find_offered_session(visitor, wsi, err);
    return visitor->joining != NULL || visitor->page != 0;
}

static int confirm_upgrade(struct visitor *visitor, struct lws *wsi, const char *protocol)
{
    struct lodge_error err = {0};
    if (strcasecmp(protocol, "websocket") != 0) {
        return -1; /* libwebsockets would go on with h2c */
    }
    if (may_upgrade(visitor, wsi, &err)) {
        return 0;
    }
    visitor->offer.has_secret = false;
    explicit_bzero(&visitor->offer.secret, sizeof visitor->offer.secret);
    log_info(LOG_CONSOLE, "%s was not let in: %s", visitor->peer, err.message);
    AUTO(free) char *text = xasprintf("%s\n", err.message);
    return answer_text(wsi, 403, text) < 0 ? -1 : 1;
}

static int request_came(struct visitor *visitor, struct lws *wsi)
{
    char host[HEADER_MAX];
    web_visitor_stays(visitor);
    return host_is_ours(visitor, wsi, host) ? 0 : refuse_host(wsi);
}

int web_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length)
{
    struct visitor *visitor = lws_get_opaque_user_data(wsi);
    if (visitor == NULL) {
        return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
        return request_came(visitor, wsi);
    case LWS_CALLBACK_HTTP:
        return answer_path(visitor, wsi, in);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(visitor, wsi, in);
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        web_visitor_forget(visitor);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
}
