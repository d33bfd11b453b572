/*
 * pace: what follows each other no faster than it is paid for, after a burst that is free. Each
 * costs so many milliseconds of the clock; what is paid ahead may be as long as the burst. Zeroed,
 * a pace has the whole burst. Any thread, one at a time.
 */
#ifndef LOOP_PACE_H
#define LOOP_PACE_H

#include <stdint.h>

struct pace {
    uint64_t paid_until; /* monotonic ms */
};

/* When (monotonic ms) the next may go; now or earlier: at once. */
uint64_t pace_next(const struct pace *pace, unsigned burst_ms);

/* One goes. */
void pace_pay(struct pace *pace, unsigned cost_ms);

#endif
