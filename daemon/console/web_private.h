/* web_private: what the web door is made of, for web_*.c. Loop-only. */
#ifndef CONSOLE_WEB_PRIVATE_H
#define CONSOLE_WEB_PRIVATE_H

#include "console/web_admit.h"
#include "console/web_door.h"
#include "list.h"

#include <libwebsockets.h>
#include <sys/socket.h>
#include <uv.h>

enum { WEB_PEER_MAX = 64, WEB_PAUSE_MS = 1000, WEB_WORDS_MAX = 128 };

/* A connection, from accept() to its end. libwebsockets has it as the wsi's opaque user data. */
struct visitor {
    struct list_link link; /* in door.visitors */
    struct web_door *door;
    struct lws *wsi;
    int fd;
    char peer[WEB_PEER_MAX];
    char reached[WEB_PEER_MAX]; /* the address of ours that it came to */
    uint64_t came_at;           /* monotonic ms */
    uint64_t until;             /* monotonic ms, when it is closed; 0: it is at a screen */
    struct session *joining;    /* between the look at its ticket and the upgrade, in one turn */
    int64_t page;               /* not 0: the session that its page knows by that has ended … */
    enum again_wish wish;       /* … and this is to come of it */
    struct web_offer offer;     /* what it offered with that; wiped after */
    struct front front;
    int64_t credit;  /* bytes that the socket takes for sure */
    bool is_leaving; /* it was at a screen, and has been told why not any more */
    bool is_broken;
    bool has_words; /* that the page is to be told */
    char words[WEB_WORDS_MAX];
    bool said_goodbye; /* its page closed the WebSocket, or was closed */
};

struct web_door {
    struct loop *loop;
    struct console *console;
    struct lws_context *context;
    struct lws_vhost *vhost;
    uv_poll_t listening;
    int fd;
    struct list visitors; /* the newest first */
    struct loop_timer *timer;
    struct lodge_strings hosts, origins;
    char *public_url, *public_origin; /* NULL: no proxy is known of */
    char *novnc_dir;
    char *tls_cert, *tls_key;
    const char *(*trouble)(void *owner);
    void *owner;
    struct lws_http_mount novnc;
    char *address; /* ADDR:PORT */
    bool is_loopback;
};

/* The protocols' callbacks (lws_callback_function). */
int web_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length);
int web_front_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t length);

/* It asked for something: its time begins anew, within bounds. */
void web_visitor_stays(struct visitor *visitor);

/* It is closed when it does not do so itself within `ms`. */
void web_visitor_leaves(struct visitor *visitor, uint64_t ms);
void web_visitor_forget(struct visitor *visitor);

/* An address without its port, and the port. An IPv4 address that came to an IPv6 socket is IPv4.
 */
unsigned web_describe(const struct sockaddr_storage *address, char ret_text[static WEB_PEER_MAX]);
bool web_is_loopback(const struct sockaddr_storage *address);

struct web_names web_names_of(const struct web_door *door);

extern const struct lws_protocol_vhost_options web_headers; /* on every answer */

#endif
