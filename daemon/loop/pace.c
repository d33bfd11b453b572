/* pace: the time until which it is paid, which begins anew where nothing went for a while. */
#include "loop/pace.h"

#include "loop/loop.h"

uint64_t pace_next(const struct pace *pace, unsigned burst_ms)
{
    return pace->paid_until < burst_ms ? 0 : pace->paid_until - burst_ms;
}

void pace_pay(struct pace *pace, unsigned cost_ms)
{
    uint64_t now = loop_monotonic_ms();
    pace->paid_until = (pace->paid_until < now ? now : pace->paid_until) + cost_ms;
}
