/*
 * web_door: accepts connections itself and gives each to libwebsockets with its `visitor`, whose
 * time it keeps: strangers are sent away when theirs is over, or when there are too many.
 *
 * A visitor is in the list from accept() until libwebsockets says that its connection is gone, or
 * if that never took it, until its time is over: then web_visitor_forget() frees it. What is said
 * over HTTP is in web_http.c, a screen's bytes are in web_front.c. Loop-only.
 */
#include "console/web_door.h"

#include "console/relay.h"
#include "console/web_private.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RX_SIZE = 16384, TURNS_MAX = 100 };

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = web_http_callback},
    {
        .name = "binary",
        .callback = web_front_callback,
        .rx_buffer_size = RX_SIZE,
        .tx_packet_size = RELAY_CHUNK_MAX, /* else each write is cut, with a malloc for the rest */
    },
    {.name = NULL},
};

/* A browser that answers no ping for so long is dead; one that is merely stalled cannot answer
 * either, so this is generous. */
static const lws_retry_bo_t ping_policy = {
    .secs_since_valid_ping = 30,
    .secs_since_valid_hangup = 75,
};

/* Where it is */

static void learn_address(struct web_door *door)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char text[WEB_PEER_MAX];
    if (getsockname(door->fd, (struct sockaddr *)&address, &size) != 0) {
        abort(); /* a socket that listens */
    }
    unsigned port = web_describe(&address, text);
    door->address = xasprintf(strchr(text, ':') == NULL ? "%s:%u" : "[%s]:%u", text, port);
    door->is_loopback = web_is_loopback(&address);
}

/* Visitors */

struct web_names web_names_of(const struct web_door *door)
{
    return (struct web_names){&door->hosts, &door->origins, door->public_origin};
}

static void on_web_knock(uv_poll_t *poll, int status, int events);

static void set_web_timer(struct web_door *door, uint64_t until)
{
    uint64_t now = loop_monotonic_ms();
    if (door->timer != NULL && !loop_timer_is_active(door->timer)) {
        loop_timer_start(door->timer, until > now ? until - now : 1, 0);
    }
}

void web_visitor_stays(struct visitor *visitor)
{
    uint64_t until = loop_monotonic_ms() + WEB_STRANGER_MS;
    uint64_t last = visitor->came_at + WEB_STRANGER_MOST_MS;
    visitor->until = until < last ? until : last;
    set_web_timer(visitor->door, visitor->until);
}

void web_visitor_leaves(struct visitor *visitor, uint64_t ms)
{
    visitor->is_leaving = true;
    visitor->until = loop_monotonic_ms() + ms;
    set_web_timer(visitor->door, visitor->until);
}

void web_visitor_forget(struct visitor *visitor)
{
    struct list *visitors = &visitor->door->visitors;
    LIST_EACH (struct visitor, at, visitors, link) {
        if (at == visitor) {
            list_remove(visitors, &visitor->link);
            free(visitor);
            return;
        }
    }
}

static struct visitor *next_late(struct web_door *door, uint64_t now, uint64_t *ret_due)
{
    *ret_due = UINT64_MAX;
    LIST_EACH (struct visitor, visitor, &door->visitors, link) {
        if (visitor->until != 0 && visitor->until <= now) {
            return visitor;
        }
        if (visitor->until != 0 && visitor->until < *ret_due) {
            *ret_due = visitor->until;
        }
    }
    return NULL;
}

/* Not within any callback of libwebsockets': it is closed at once. */
static void send_away(struct visitor *visitor)
{
    visitor->until = 0; /* whatever comes of it, once */
    if (visitor->wsi == NULL) {
        web_visitor_forget(visitor); /* it was never taken */
    } else {
        lws_set_timeout(visitor->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    }
}

static void on_web_time(void *owner)
{
    struct web_door *door = owner;
    uv_poll_start(&door->listening, UV_READABLE, on_web_knock);
    uint64_t now = loop_monotonic_ms();
    uint64_t due;
    struct visitor *late;
    while ((late = next_late(door, now, &due)) != NULL) {
        send_away(late);
    }
    if (due != UINT64_MAX) {
        set_web_timer(door, due);
    }
}

/* Of those who have shown nothing yet, or of those who have been told to go, so many may be there:
 * else those who stay would lock the others out, and take all descriptors. */
static void make_room_among(struct web_door *door, bool leaving)
{
    struct visitor *oldest = NULL; /* the newest is first */
    unsigned count = 0;
    LIST_EACH (struct visitor, visitor, &door->visitors, link) {
        if (visitor->until != 0 && visitor->is_leaving == leaving) {
            oldest = visitor;
            count++;
        }
    }
    if (count >= WEB_STRANGERS) {
        send_away(oldest);
    }
}

static void describe_peers(struct visitor *visitor, int fd, const struct sockaddr_storage *peer)
{
    struct sockaddr_storage ours = {0};
    socklen_t size = sizeof ours;
    char text[WEB_PEER_MAX];
    unsigned port = web_describe(peer, text);
    (void)snprintf(visitor->peer, sizeof visitor->peer,
                   strchr(text, ':') == NULL ? "%.46s:%u" : "[%.46s]:%u", text, port);
    if (getsockname(fd, (struct sockaddr *)&ours, &size) == 0) {
        (void)web_describe(&ours, visitor->reached);
    }
}

static void visitor_let_in(struct web_door *door, int fd, const struct sockaddr_storage *peer)
{
    int on = 1;
    make_room_among(door, false);
    make_room_among(door, true);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct visitor *visitor = xcalloc(1, sizeof *visitor);
    visitor->door = door;
    visitor->came_at = loop_monotonic_ms();
    describe_peers(visitor, fd, peer);
    list_prepend(&door->visitors, &visitor->link);
    web_visitor_stays(visitor);
    lws_adopt_desc_t desc = {
        .vh = door->vhost,
        .opaque = visitor,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
        .fd.sockfd = fd,
    };
    /* A failure closes `fd`. It may be of a TLS handshake, whose end libwebsockets tells in a later
     * turn: so the visitor stays until then, or until its time is over. */
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&desc);
    if (wsi != NULL) {
        visitor->wsi = wsi;
    }
}

static void on_web_knock(uv_poll_t *poll, int status, int events)
{
    struct web_door *door = poll->data;
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof peer;
    (void)status;
    (void)events;
    int fd = accept4(door->fd, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        visitor_let_in(door, fd, &peer);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        log_warning(LOG_CONSOLE, "a connection to %s could not be taken: %s", door->address,
                    strerror(errno));
        uv_poll_stop(&door->listening); /* no descriptors: it would come again at once */
        set_web_timer(door, loop_monotonic_ms() + WEB_PAUSE_MS);
    }
}

/* Life */

static void on_lws_log(int level, const char *line)
{
    int length = (int)strcspn(line, "\n");
    if ((level & LLL_ERR) != 0) {
        log_error(LOG_CONSOLE, "libwebsockets: %.*s", length, line);
    } else {
        log_warning(LOG_CONSOLE, "libwebsockets: %.*s", length, line);
    }
}

static bool make_context(struct web_door *door)
{
    void *loops[] = {loop_uv(door->loop)};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV |
                   (door->tls_cert == NULL ? 0 : LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT),
        .foreign_loops = loops,
        .count_threads = 1,
        .pcontext = &door->context,
        .pt_serv_buf_size = 16384,
        .max_http_header_data = 4096,
        .max_http_header_pool = WEB_STRANGERS,
        .timeout_secs = 5,
        .gid = -1,
        .uid = -1,
    };
    /* What it says of requests is kept out of the log altogether: addresses may hold tickets. */
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    door->context = lws_create_context(&info);
    return door->context != NULL;
}

static bool make_vhost(struct web_door *door)
{
    door->novnc = (struct lws_http_mount){
        .mountpoint = "/novnc",
        .mountpoint_len = 6,
        .origin = door->novnc_dir,
        .def = "vnc.html",
        .origin_protocol = LWSMPRO_FILE,
        .cache_max_age = 3600, /* seconds: fifty files */
        .cache_reusable = 1,
        .cache_revalidate = 1,
    };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "web",
        .protocols = protocols,
        .mounts = &door->novnc,
        .headers = &web_headers,
        .retry_and_idle_policy = &ping_policy,
        .alpn = "http/1.1",
        .keepalive_timeout = 5,
        .ssl_cert_filepath = door->tls_cert,
        .ssl_private_key_filepath = door->tls_key,
        .options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                   (door->tls_cert == NULL ? 0 : LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT),
    };
    door->vhost = lws_create_vhost(door->context, &info);
    return door->vhost != NULL;
}

static void copy_strings(struct lodge_strings *copy, const struct lodge_strings *strings)
{
    lodge_strings_clear(copy);
    for (size_t i = 0; strings != NULL && i < strings->count; i++) {
        if (!lodge_strings_add(copy, strings->items[i])) {
            abort(); /* out of memory */
        }
    }
}

static void take_web_names(struct web_door *door, const struct web_options *options)
{
    const char *url = options->public_url;
    copy_strings(&door->hosts, options->hosts);
    copy_strings(&door->origins, options->origins);
    free(door->public_url);
    free(door->public_origin);
    door->public_url = xstrdup_or_null(url);
    door->public_origin = url == NULL ? NULL : web_origin_of(url);
}

struct web_door *web_door_new(struct loop *loop, struct console *console, int fd,
                              const struct web_options *options, struct lodge_error *err)
{
    struct web_door *door = xcalloc(1, sizeof *door);
    door->loop = loop;
    door->console = console;
    door->fd = fd;
    door->novnc_dir = xstrdup(options->novnc_dir);
    door->tls_cert = xstrdup_or_null(options->tls_cert);
    door->tls_key = xstrdup_or_null(options->tls_key);
    door->trouble = options->trouble;
    door->owner = options->owner;
    take_web_names(door, options);
    learn_address(door);
    if (!make_context(door) || !make_vhost(door)) {
        (void)lodge_fail(err, LODGE_ERROR_INVALID,
                         "the web door at %s could not be made%s%s: see the lines before",
                         door->address, door->tls_cert == NULL ? "" : " with the certificate ",
                         door->tls_cert == NULL ? "" : door->tls_cert);
        close(fd);
        door->fd = -1;
        return NULL; /* with what libwebsockets holds: the program ends */
    }
    door->timer = loop_timer_new(loop, on_web_time, door);
    if (uv_poll_init(loop_uv(loop), &door->listening, fd) != 0) {
        abort(); /* a descriptor that just was bound and listens: only memory can be wrong */
    }
    door->listening.data = door;
    uv_poll_start(&door->listening, UV_READABLE, on_web_knock);
    if (web_door_is_open_wide(door)) {
        log_warning(LOG_CONSOLE,
                    "browsers are answered at %s without TLS: whoever is on the way can read along "
                    "and type; set tls_cert and tls_key in [console]",
                    door->address);
    }
    return door;
}

void web_door_reload(struct web_door *door, const struct web_options *options)
{
    take_web_names(door, options);
    if (door->tls_cert != NULL) {
        (void)lws_tls_cert_updated(door->context, door->tls_cert, door->tls_key, NULL, 0, NULL, 0);
    }
}

void web_door_close(struct web_door *door)
{
    if (door == NULL) {
        return;
    }
    loop_timer_free(TAKE(door->timer));
    loop_close_handle((uv_handle_t *)&door->listening, NULL);
    close(door->fd);
    lws_context_destroy(door->context);
}

/* What others are told */

const char *web_door_address(const struct web_door *door)
{
    return door->address;
}

bool web_door_is_open_wide(const struct web_door *door)
{
    return !door->is_loopback && door->tls_cert == NULL;
}

/* A wildcard is no address to go to: the first configured name is, or this machine's own. */
static void add_own_authority(const struct web_door *door, struct buffer *buffer)
{
    const char *port = strrchr(door->address, ':');
    bool wildcard =
        strncmp(door->address, "0.0.0.0:", 8) == 0 || strncmp(door->address, "[::]:", 5) == 0;
    if (!wildcard) {
        buffer_add_text(buffer, door->address);
    } else if (door->hosts.count > 0) {
        buffer_add_text(buffer, door->hosts.items[0]);
        buffer_add_text(buffer, strrchr(door->hosts.items[0], ':') == NULL ? port : "");
    } else {
        buffer_add_format(buffer, "127.0.0.1%s", port);
    }
}

/* Of the page, or with "ws" in place of "http" of what is beside it; ends with /. */
static void add_address(const struct web_door *door, struct buffer *buffer, const char *scheme)
{
    buffer_add_text(buffer, scheme);
    if (door->public_url != NULL) {
        buffer_add_text(buffer, door->public_url + strlen("http"));
        return;
    }
    buffer_add_text(buffer, door->tls_cert == NULL ? "://" : "s://");
    add_own_authority(door, buffer);
    buffer_add_text(buffer, "/");
}

void web_door_page_url(const struct web_door *door, struct buffer *buffer, int64_t session,
                       const char *ticket, const char *vm, const char *mode)
{
    add_address(door, buffer, "http");
    buffer_add_format(buffer, "#session=%lld&ticket=%s&vm=", (long long)session, ticket);
    buffer_add_encoded(buffer, vm, "");
    buffer_add_format(buffer, "&mode=%s", mode);
}

void web_door_socket_url(const struct web_door *door, struct buffer *buffer, const char *ticket)
{
    add_address(door, buffer, "ws");
    buffer_add_format(buffer, "console?ticket=%s", ticket);
}
