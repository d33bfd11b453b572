/*
 * steady: the wall clock and the monotonic one are compared at each look: where they do not go the
 * same way somebody has set the clock, or the machine has slept. Across a start there is only when
 * the database was last written. A struct of the caller's, no thread.
 */
#include "reads/steady.h"

#define DAY_MS INT64_C(86400000)

static bool are_apart(int64_t one_ms, int64_t other_ms)
{
    return one_ms - other_ms >= DAY_MS || other_ms - one_ms >= DAY_MS;
}

void steady_begin(struct steady *steady, int64_t left_ms, int64_t wall_ms, uint64_t monotonic_ms)
{
    *steady = (struct steady){.wall_ms = wall_ms, .monotonic_ms = monotonic_ms};
    if (are_apart(wall_ms, left_ms)) {
        steady->believed_at = monotonic_ms + DAY_MS;
    }
}

bool steady_look(struct steady *steady, int64_t wall_ms, uint64_t monotonic_ms)
{
    if (are_apart(wall_ms - steady->wall_ms, (int64_t)(monotonic_ms - steady->monotonic_ms))) {
        steady->believed_at = monotonic_ms + DAY_MS;
    }
    steady->wall_ms = wall_ms;
    steady->monotonic_ms = monotonic_ms;
    return monotonic_ms >= steady->believed_at;
}
