/*
 * held: each power of two has HELD_PARTS buckets of the same width, so that every time is told to a
 * sixteenth of itself. Below HELD_PARTS ns each has a bucket of its own.
 */
#include "store/held.h"

#include <stddef.h>

/* The bits below the highest five do not count: all buckets of one power of two are equally wide.
 */
static size_t held_bucket(uint64_t ns)
{
    if (ns < HELD_PARTS) {
        return (size_t)ns;
    }
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    unsigned shift = power - HELD_PARTS_BITS;
    size_t bucket = (size_t)shift * HELD_PARTS + (size_t)(ns >> shift);
    return bucket < HELD_BUCKETS ? bucket : HELD_BUCKETS - 1;
}

/* The longest time that belongs to it. */
static uint64_t held_bucket_end(size_t bucket)
{
    if (bucket < HELD_PARTS) {
        return bucket;
    }
    uint64_t shift = bucket / HELD_PARTS - 1;
    uint64_t part = bucket % HELD_PARTS + HELD_PARTS;
    return ((part + 1) << shift) - 1;
}

void held_note(struct held *held, uint64_t ns)
{
    held->count++;
    held->buckets[held_bucket(ns)]++;
    held->longest_ns = ns > held->longest_ns ? ns : held->longest_ns;
}

uint64_t held_percentile(const struct held *held, unsigned per_mille)
{
    uint64_t rank = (held->count * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (size_t i = 0; i < HELD_BUCKETS - 1; i++) {
        seen += held->buckets[i];
        if (seen >= rank && seen > 0) {
            return held_bucket_end(i) < held->longest_ns ? held_bucket_end(i) : held->longest_ns;
        }
    }
    return held->longest_ns; /* the last bucket has no end */
}
