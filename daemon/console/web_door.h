/*
 * web_door: HTTP and WebSocket for browsers: the page, noVNC's files, a guest's screen, and whether
 * lodged is well. Loop-only, but for what is said below.
 *
 * libwebsockets is a guest on our loop (lws.md). It sees connections only after we have accepted
 * them: so it can take no port from anybody, and strangers are counted here.
 */
#ifndef CONSOLE_WEB_DOOR_H
#define CONSOLE_WEB_DOOR_H

#include "buffer.h"
#include "console/console.h"
#include "lodge/strings.h"

/* Of connections that have shown no ticket: how many there may be (one more sends the oldest away),
 * how long after their last request, and how long at most. */
enum { WEB_STRANGERS = 64, WEB_STRANGER_MS = 5000, WEB_STRANGER_MOST_MS = 10000 };

struct web_door;

struct web_options {
    const struct lodge_strings *hosts; /* names that a Host header may have, with or without port */
    const struct lodge_strings *origins;
    const char *public_url; /* a reverse proxy's address for the door, which ends with /; or NULL */
    const char *novnc_dir;
    const char *tls_cert, *tls_key; /* NULL: no TLS */
    /* What /readyz says: NULL when all is well, else what is not. Borrowed until the next turn. */
    const char *(*trouble)(void *owner);
    void *owner;
};

/* Binds `listen`, ADDR:PORT or [ADDR]:PORT; the descriptor is the caller's. `any_port`: when that
 * port is somebody else's, a free one is taken. INVALID says what is wrong. Before any thread
 * exists. */
bool web_door_bind(const char *listen, bool any_port, int *ret_fd, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* `fd` is given away. The options' texts and lists are copied. NULL with INVALID when the
 * certificate cannot be used. */
struct web_door *web_door_new(struct loop *loop, struct console *console, int fd,
                              const struct web_options *options, struct lodge_error *err);

/* Names and the public address are taken over, the certificate's files read again. Blocks for two
 * small files. */
void web_door_reload(struct web_door *door, const struct web_options *options);

/* After the console was closed; then, when the loop has run, free. NULL is fine for both. */
void web_door_close(struct web_door *door);

/* Where it listens, as ADDR:PORT; and whether anybody else than this machine can read along. */
const char *web_door_address(const struct web_door *door);
bool web_door_is_open_wide(const struct web_door *door);

/* Adds the page's address for a session, with its ticket in the fragment; and the WebSocket's. */
void web_door_page_url(const struct web_door *door, struct buffer *buffer, int64_t session,
                       const char *ticket, const char *vm, const char *mode);
void web_door_socket_url(const struct web_door *door, struct buffer *buffer, const char *ticket);

#endif
