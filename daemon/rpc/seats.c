/* seats: they are counted, and whoever finds none stands in a list, the oldest first. The sitters
 * are the calls'. Loop-only. */
#include "rpc/seats.h"

#include "loop/loop.h"

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

static void sit_down(struct seats *seats, struct sitter *sitter)
{
    sitter->sits = true;
    if (seats->taken++ == 0) {
        seats->since_us = loop_monotonic_us();
    }
}

static uint64_t cost_at(const struct seats *seats, size_t place)
{
    uint64_t most_us = SEATS_SHARED_MOST_MS * UINT64_C(1000);
    uint64_t passed_us = loop_monotonic_us() - seats->since_us;
    if (place == SEAT_SHARED) {
        return passed_us < most_us ? passed_us : most_us;
    }
    return place < SEAT_XML ? 0 : SEATS_FAR_US;
}

static uint64_t get_up(struct seats *seats, struct sitter *sitter, size_t place)
{
    uint64_t cost_us = cost_at(seats, place);
    sitter->sits = false;
    seats->taken--;
    seats->since_us = loop_monotonic_us();
    return cost_us;
}

bool seats_take(struct seats *all, enum seat_kind kind, unsigned host, struct sitter *sitter)
{
    struct seats *seats = &all[index_of(kind, host)];
    assert(most[kind] > 0 && sitter->seats == NULL);
    sitter->seats = seats;
    sitter->sits = false;
    if (seats->first == NULL && seats->taken < most[kind]) {
        sit_down(seats, sitter);
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

bool seats_leave(struct seats *all, struct sitter *sitter, uint64_t *ret_cost_us)
{
    struct seats *seats = sitter->seats;
    size_t place = (size_t)(seats - all);
    sitter->seats = NULL;
    *ret_cost_us = 0;
    if (sitter->sits) {
        *ret_cost_us = get_up(seats, sitter, place);
    } else {
        leave_line(seats, sitter);
    }
    return seats->first != NULL && seats->taken < most_at(place);
}

bool seats_begin_next(struct seats *all)
{
    for (size_t place = 0; place < SEAT_PLACES; place++) {
        struct seats *seats = &all[place];
        struct sitter *sitter = seats->first;
        if (sitter != NULL && seats->taken < most_at(place)) {
            leave_line(seats, sitter);
            sit_down(seats, sitter);
            sitter->begin(sitter); /* it may have ended when this returns */
            return true;
        }
    }
    return false;
}
