/*
 * held: how long something was held, as a histogram of fixed size: for as long as lodged runs,
 * without memory that grows. Its owner's lock guards it.
 */
#ifndef STORE_HELD_H
#define STORE_HELD_H

#include <stdint.h>

/* 16 buckets for each power of two up to 2^40 ns, 18 minutes; what was longer is in the last. */
enum { HELD_PARTS_BITS = 4, HELD_POWERS = 40, HELD_PARTS = 1 << HELD_PARTS_BITS };
enum { HELD_BUCKETS = (HELD_POWERS - HELD_PARTS_BITS + 1) * HELD_PARTS };

struct held {
    uint64_t count;
    uint64_t longest_ns; /* exact */
    uint64_t buckets[HELD_BUCKETS];
};

void held_note(struct held *held, uint64_t ns);

/* The time that `per_mille` of all were not longer than (990: the 99th percentile). It is told up
 * to 1/16 too long, never too short; 0 when nothing was noted. */
uint64_t held_percentile(const struct held *held, unsigned per_mille);

#endif
