/* desk: seats are counted, and whoever finds none stands in a list, the oldest first. The places
 * are the calls'. Loop-only. */
#include "rpc/desk.h"

#include <assert.h>
#include <stddef.h>

/* Two where one's way to the loop and back would leave the worker idle. A picture has up to 22 MiB,
 * and a comparison reads all there is. */
static const unsigned seats[DESK_KINDS] = {
    [DESK_STORE] = 2, [DESK_LIBRARY] = 2, [DESK_HOST] = 2,
    [DESK_FRESH] = 2, [DESK_SCREEN] = 1,  [DESK_COPIES] = 1,
};

bool desk_come(struct desk *desks, enum desk_kind kind, struct desk_place *place)
{
    struct desk *desk = &desks[kind];
    assert(seats[kind] > 0 && place->desk == NULL);
    place->desk = desk;
    place->sits = desk->first == NULL && desk->taken < seats[kind];
    if (place->sits) {
        desk->taken++;
        return true;
    }
    place->previous = desk->last;
    place->next = NULL;
    *(desk->last == NULL ? &desk->first : &desk->last->next) = place;
    desk->last = place;
    return false;
}

static void leave_line(struct desk *desk, struct desk_place *place)
{
    *(place->previous == NULL ? &desk->first : &place->previous->next) = place->next;
    *(place->next == NULL ? &desk->last : &place->next->previous) = place->previous;
}

bool desk_go(struct desk *desks, struct desk_place *place)
{
    struct desk *desk = place->desk;
    place->desk = NULL;
    if (place->sits) {
        place->sits = false;
        desk->taken--;
    } else {
        leave_line(desk, place);
    }
    return desk->first != NULL && desk->taken < seats[desk - desks];
}

bool desk_begin_next(struct desk *desks)
{
    for (size_t kind = 0; kind < DESK_KINDS; kind++) {
        struct desk *desk = &desks[kind];
        struct desk_place *place = desk->first;
        if (place != NULL && desk->taken < seats[kind]) {
            leave_line(desk, place);
            place->sits = true;
            desk->taken++;
            place->begin(place); /* it may have ended when this returns */
            return true;
        }
    }
    return false;
}
