/* steady: whether the wall clock may be believed with what cannot be had back: it was not seen to
 * jump by a day or more within a day. Pure; times in ms, wall ones since 1970. */
#ifndef READS_STEADY_H
#define READS_STEADY_H

#include <stdbool.h>
#include <stdint.h>

struct steady {
    int64_t wall_ms;
    uint64_t monotonic_ms;
    uint64_t believed_at; /* monotonic */
};

/* `left_ms`: when somebody was last here, by the wall clock of then. */
void steady_begin(struct steady *steady, int64_t left_ms, int64_t wall_ms, uint64_t monotonic_ms);

/* Looks again; returns whether the clock is believed. */
bool steady_look(struct steady *steady, int64_t wall_ms, uint64_t monotonic_ms);

#endif
