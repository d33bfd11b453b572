/* seats: they are counted, and whoever finds none stands in a list, the oldest first. The sitters
 * are the calls'. Loop-only. */
#include "rpc/seats.h"

#include <assert.h>
#include <stddef.h>

/* Two where one's way to the loop and back would leave the worker idle. What is read once for all
 * who ask meanwhile costs no more for many; they are answered in one go, though. */
static const unsigned most[SEAT_KINDS] = {
    [SEAT_STORE] = 2, [SEAT_SHARED] = 128, [SEAT_XML] = 2, [SEAT_FRESH] = 2, [SEAT_SCREEN] = 16,
};

static size_t index_of(enum seat_kind kind, unsigned host)
{
    return kind < SEAT_XML ? kind : kind + (SEAT_KINDS - SEAT_XML) * (host % SEAT_HOSTS);
}

static unsigned most_at(size_t place)
{
    return most[place < SEAT_XML ? place : SEAT_XML + (place - SEAT_XML) % (SEAT_KINDS - SEAT_XML)];
}

bool seats_take(struct seats *all, enum seat_kind kind, unsigned host, struct sitter *sitter)
{
    struct seats *seats = &all[index_of(kind, host)];
    assert(most[kind] > 0 && sitter->seats == NULL);
    sitter->seats = seats;
    sitter->sits = seats->first == NULL && seats->taken < most[kind];
    if (sitter->sits) {
        seats->taken++;
        return true;
    }
    sitter->previous = seats->last;
    sitter->next = NULL;
    *(seats->last == NULL ? &seats->first : &seats->last->next) = sitter;
    seats->last = sitter;
    return false;
}

static void leave_line(struct seats *seats, struct sitter *sitter)
{
    *(sitter->previous == NULL ? &seats->first : &sitter->previous->next) = sitter->next;
    *(sitter->next == NULL ? &seats->last : &sitter->next->previous) = sitter->previous;
}

bool seats_leave(struct seats *all, struct sitter *sitter)
{
    struct seats *seats = sitter->seats;
    sitter->seats = NULL;
    if (sitter->sits) {
        sitter->sits = false;
        seats->taken--;
    } else {
        leave_line(seats, sitter);
    }
    return seats->first != NULL && seats->taken < most_at((size_t)(seats - all));
}

bool seats_begin_next(struct seats *all)
{
    for (size_t place = 0; place < SEAT_PLACES; place++) {
        struct seats *seats = &all[place];
        struct sitter *sitter = seats->first;
        if (sitter != NULL && seats->taken < most_at(place)) {
            leave_line(seats, sitter);
            sitter->sits = true;
            seats->taken++;
            sitter->begin(sitter); /* it may have ended when this returns */
            return true;
        }
    }
    return false;
}
