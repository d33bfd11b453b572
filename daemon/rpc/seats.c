/* seats: they are counted by kind and host, and whoever finds none stands in a list, the oldest
 * first. A place is there while a seat of it is taken. The sitters are the calls'. Loop-only. */
#include "rpc/seats.h"

#include "loop/loop.h"
#include "memory.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* Two where one's way to the loop and back would leave the worker idle. What is read once for all
 * who ask meanwhile costs no more for many; they are answered in one go, though. */
static const unsigned most[SEAT_KINDS] = {
    [SEAT_STORE] = 2, [SEAT_SHARED] = 128, [SEAT_XML] = 2, [SEAT_FRESH] = 2, [SEAT_SCREEN] = 16,
};

struct seats_place {
    enum seat_kind kind;
    const void *host;
    unsigned taken;
    uint64_t since_us;           /* monotonic: taken since, or when one was given back last */
    struct sitter *first, *last; /* the line */
    struct seats_place *next;
};

static struct seats_place *find_or_make(struct seats *seats, enum seat_kind kind, const void *host)
{
    const void *of = kind < SEAT_XML ? NULL : host;
    struct seats_place **link = &seats->places;
    while (*link != NULL && !((*link)->kind == kind && (*link)->host == of)) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        *link = xcalloc(1, sizeof **link);
        (*link)->kind = kind;
        (*link)->host = of;
    }
    return *link;
}

static void drop_if_empty(struct seats *seats, struct seats_place *place)
{
    if (place->taken > 0 || place->first != NULL) {
        return;
    }
    struct seats_place **link = &seats->places;
    while (*link != place) {
        link = &(*link)->next;
    }
    *link = place->next;
    free(place);
}

void seats_done(struct seats *seats)
{
    while (seats->places != NULL) {
        struct seats_place *place = seats->places;
        seats->places = place->next;
        free(place);
    }
}

static bool has_room(const struct seats_place *place)
{
    return place->taken < most[place->kind];
}

static void sit_down(struct seats_place *place, struct sitter *sitter)
{
    sitter->sits = true;
    if (place->taken++ == 0) {
        place->since_us = loop_monotonic_us();
    }
}

static uint64_t cost_at(const struct seats_place *place)
{
    uint64_t most_us = SEATS_SHARED_MOST_MS * UINT64_C(1000);
    uint64_t passed_us = loop_monotonic_us() - place->since_us;
    if (place->kind == SEAT_SHARED) {
        return passed_us < most_us ? passed_us : most_us;
    }
    return place->kind < SEAT_XML ? 0 : SEATS_FAR_US;
}

static uint64_t get_up(struct seats_place *place, struct sitter *sitter)
{
    uint64_t cost_us = cost_at(place);
    sitter->sits = false;
    place->taken--;
    place->since_us = loop_monotonic_us();
    return cost_us;
}

bool seats_take(struct seats *seats, enum seat_kind kind, const void *host, struct sitter *sitter)
{
    assert(most[kind] > 0 && sitter->place == NULL);
    struct seats_place *place = find_or_make(seats, kind, host);
    sitter->place = place;
    sitter->sits = false;
    if (place->first == NULL && has_room(place)) {
        sit_down(place, sitter);
        return true;
    }
    sitter->previous = place->last;
    sitter->next = NULL;
    *(place->last == NULL ? &place->first : &place->last->next) = sitter;
    place->last = sitter;
    return false;
}

static void leave_line(struct seats_place *place, struct sitter *sitter)
{
    *(sitter->previous == NULL ? &place->first : &sitter->previous->next) = sitter->next;
    *(sitter->next == NULL ? &place->last : &sitter->next->previous) = sitter->previous;
}

bool seats_leave(struct seats *seats, struct sitter *sitter, uint64_t *ret_cost_us)
{
    struct seats_place *place = sitter->place;
    sitter->place = NULL;
    *ret_cost_us = 0;
    if (sitter->sits) {
        *ret_cost_us = get_up(place, sitter);
    } else {
        leave_line(place, sitter);
    }
    bool may_begin = place->first != NULL && has_room(place);
    drop_if_empty(seats, place);
    return may_begin;
}

bool seats_begin_next(struct seats *seats)
{
    struct seats_place *place = seats->places;
    while (place != NULL && !(place->first != NULL && has_room(place))) {
        place = place->next;
    }
    if (place == NULL) {
        return false;
    }
    struct sitter *sitter = place->first;
    leave_line(place, sitter);
    sit_down(place, sitter);
    sitter->begin(sitter); /* it may have ended when this returns */
    return true;
}
