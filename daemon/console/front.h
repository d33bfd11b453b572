/*
 * front: where a viewer is connected, as the relay sees it. Each door has its kind. Loop-only.
 */
#ifndef CONSOLE_FRONT_H
#define CONSOLE_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct front;
struct session;

/* Free bytes in front of whatever is given to write(): libwebsockets puts its header there. */
enum { FRONT_HEADROOM = 32 };

/* What there is for a viewer to do when its session has ended. */
enum front_end {
    FRONT_FOR_NOW,   /* it may come back by itself */
    FRONT_OVER,      /* nothing but to ask for another session */
    FRONT_OFF,       /* the guest is off: to start it */
    FRONT_AGAIN,     /* to open it again */
    FRONT_ELSEWHERE, /* another window has it: to take it back */
};

struct front_kind {
    /* How many bytes it would take now without keeping any of them. `want` is what would help. */
    size_t (*room)(struct front *front, size_t want);

    /* Sends; the bytes before and behind `bytes` may be overwritten. Returns how many it took: the
     * rest is offered again when session_has_room() was called. -1: the connection is broken, which
     * session_front_gone() tells later. */
    ssize_t (*write)(struct front *front, uint8_t *bytes, size_t length);

    /* Calls session_has_room() once, when there is room; not from within this call. */
    void (*want_room)(struct front *front);

    /* While held, nothing is read from the viewer. */
    void (*hold)(struct front *front, bool held);

    /* What the guest does that its screen does not show, "" when there is nothing any more. NULL:
     * there is no place for words. */
    void (*tell)(struct front *front, const char *words);

    /* Tells the viewer why, and closes. It has no session any more. */
    void (*end)(struct front *front, enum front_end how, const char *reason);
};

struct front {
    const struct front_kind *kind;
    struct session *session; /* NULL before and after */
};

/* The door's: what its viewer sends, that it can take more, that it has gone: by itself (`left`: it
 * said so, or hung up), or because its connection broke. `bytes` are changed in place. */
void session_from_viewer(struct session *session, uint8_t *bytes, size_t length);
void session_has_room(struct session *session);
void session_front_gone(struct session *session, bool left);

#endif
