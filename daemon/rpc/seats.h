/*
 * seats: for calls that cost more than the loop's time: so many of each kind and user are out at
 * once, the others stand in line. So turns go round by user, and what a client that has gone had
 * asked for is dropped before it costs anything. Loop-only.
 */
#ifndef RPC_SEATS_H
#define RPC_SEATS_H

#include <stdbool.h>
#include <stdint.h>

enum seat_kind {
    SEAT_NONE,   /* answered from memory */
    SEAT_STORE,  /* reads rows */
    SEAT_SHARED, /* has an answer that is the same for all */
    SEAT_XML,    /* reads what libvirt has of a domain; this and the next are of a host … */
    SEAT_FRESH,  /* has its VM read anew */
    SEAT_SCREEN, /* asks a guest's QEMU */
    SEAT_KINDS
};

/* … so that a host that hangs holds the seats of no other. */
enum {
    SEATS_SHARED_MOST_MS = 5,
    SEATS_FAR_US = 1000,
};

struct seats_place;

/* A call that sits, or stands in line: embed. */
struct sitter {
    struct seats_place *place; /* NULL: neither */
    bool sits;
    struct sitter *previous, *next; /* in the line */
    void (*begin)(struct sitter *sitter);
};

/* One user's: the places of which seats are taken. */
struct seats {
    struct seats_place *places;
};

void seats_done(struct seats *seats); /* nobody asks any more */

/* `host` is what tells the one that it is about from others, NULL if it is about none. Takes a
 * seat, or stands in line. Returns whether it sits. */
bool seats_take(struct seats *seats, enum seat_kind kind, const void *host, struct sitter *sitter);

/* Gives the seat back, or leaves the line. Returns whether somebody may begin now. *ret_cost_us is
 * about what the call has cost other processes (libvirtd, a guest's QEMU): of an answer for all the
 * time that it took, no more than SEATS_SHARED_MOST_MS; of what is a host's SEATS_FAR_US, however
 * long it took, since it may have waited for a network, or for others. */
bool seats_leave(struct seats *seats, struct sitter *sitter, uint64_t *ret_cost_us);

/* Begins one of those for whom there is a seat now; false if there is none. */
bool seats_begin_next(struct seats *seats);

#endif
