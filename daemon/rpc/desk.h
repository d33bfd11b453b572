/*
 * desk: where calls that cost more than the loop's time wait: so many of each kind and user are out
 * at once, the others stand in line. So turns go round by user, and what a client that has gone had
 * asked for is dropped before it costs anything. Loop-only.
 */
#ifndef RPC_DESK_H
#define RPC_DESK_H

#include <stdbool.h>

enum desk_kind {
    DESK_NONE,    /* answered from memory */
    DESK_STORE,   /* reads rows */
    DESK_LIBRARY, /* reads files */
    DESK_HOST,    /* reads what libvirt has of pools, networks, a domain's XML */
    DESK_FRESH,   /* has its VM read anew */
    DESK_SCREEN,  /* asks a guest's QEMU */
    DESK_COPIES,  /* compares everything, or copies the database */
    DESK_KINDS
};

/* A call that stands in line, or sits: embed. */
struct desk_place {
    struct desk *desk; /* NULL: neither */
    bool sits;
    struct desk_place *previous, *next; /* in the line */
    void (*begin)(struct desk_place *place);
};

/* One user's, of one kind. */
struct desk {
    unsigned taken; /* seats */
    struct desk_place *first, *last;
};

/* Takes a seat, or stands in line. Returns whether it sits. */
bool desk_come(struct desk *desks, enum desk_kind kind, struct desk_place *place);

/* Gives the seat back, or leaves the line. Returns whether somebody may begin now. */
bool desk_go(struct desk *desks, struct desk_place *place);

/* Begins one of those for whom there is a seat now; false if there is none. */
bool desk_begin_next(struct desk *desks);

#endif
