/*
 * relay: bytes between a viewer's front and the socket of a guest's VNC server. Loop-only.
 *
 * The server's bytes go through one buffer that all relays share, never through a queue: they are
 * read when the front has room for them, so a viewer that stops reading stops its own server and
 * nobody else. What the viewer sends and the server does not take is kept up to a bound, above
 * which the viewer is not read. Nothing is allocated per message.
 */
#ifndef CONSOLE_RELAY_H
#define CONSOLE_RELAY_H

#include "console/front.h"
#include "console/rfb.h"
#include "loop/loop.h"

/* What all relays of a console share: the buffer, and how many of them are busy. */
struct relay_hub;
struct relay_hub *relay_hub_new(struct loop *loop);

enum { RELAY_CHUNK_MAX = 2048 * 1024 }; /* the most that one write() of a front gets */

struct relay;
struct relay_server; /* the server's end, in memory that outlives its handle */

struct relay_owner {
    /* The server closed, or cannot be reached any more; all it said was handed on. */
    void (*server_gone)(struct relay *relay);
    /* Not to be gone on with: what a side said is no RFB, or must not be. */
    void (*must_end)(struct relay *relay, const char *reason);
};

/* A chunk that the front did not take, or that the server did not. */
struct relay_rest {
    uint8_t *bytes; /* made when first needed, then kept */
    size_t at, length, room;
};

struct relay {
    struct relay_hub *hub;
    const struct relay_owner *owner;
    struct front *front;
    struct relay_server *server; /* NULL: not connected */
    struct rfb rfb;
    bool in_bulk;  /* the server's bytes are read when the front has room */
    bool is_held;  /* the viewer is not read */
    unsigned turn; /* of the hub's, in which it counted itself as busy */
    struct relay_rest up, down;
    uint64_t bytes_up, bytes_down;
    uint64_t input_at; /* monotonic ms: when the viewer last did something */
};

void relay_init(struct relay *relay, struct relay_hub *hub, const struct relay_owner *owner);

/* From now on bytes go between `front` and `fd`, a connected socket that is given away, beginning
 * with the server's version. */
void relay_begin(struct relay *relay, struct front *front, int fd, enum rfb_mode mode);

/* The server's end is closed, the front forgotten. May begin again. */
void relay_end(struct relay *relay);

/* For the front, through its session. After each of them, and after any callback of a front's, the
 * relay may have ended. */
void relay_from_viewer(struct relay *relay, uint8_t *bytes, size_t length);
void relay_has_room(struct relay *relay);

#endif
