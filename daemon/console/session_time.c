/* session_time: when a session's time is over, and what its viewer is told then. Loop-only. */
#include "console/session.h"

#include <stdio.h>

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

static uint64_t idle_until(const struct session *session)
{
    unsigned idle_s = session->console->limits.idle_s;
    bool counts = idle_s != 0 && session->mode == LODGE_SESSION_RW &&
                  session->phase == SESSION_OPEN && session->relay.server != NULL;
    return counts ? session->relay.input_at + (uint64_t)idle_s * 1000 : 0;
}

static uint64_t maximum_until(const struct session *session)
{
    unsigned max_s = session->console->limits.max_s;
    return max_s == 0 || session->joined_at == 0 ? 0 : session->since + (uint64_t)max_s * 1000;
}

static bool is_over(uint64_t until, uint64_t now)
{
    return until != 0 && until <= now;
}

uint64_t session_next_time(const struct session *session)
{
    uint64_t next = earlier(UINT64_MAX, session->phase_until);
    next = earlier(next, idle_until(session));
    return earlier(next, maximum_until(session));
}

bool session_is_over(const struct session *session, uint64_t now, char *ret_reason, size_t size)
{
    const struct console_limits *limits = &session->console->limits;
    if (is_over(session->phase_until, now)) {
        (void)snprintf(ret_reason, size, "%s",
                       session->phase == SESSION_TICKETED ? "its ticket was not used in time"
                       : session->has_left                ? SESSION_LEFT
                                                          : "its viewer did not come back");
    } else if (is_over(idle_until(session), now)) {
        (void)snprintf(ret_reason, size, "nothing was typed or clicked for %u s", limits->idle_s);
    } else if (is_over(maximum_until(session), now)) {
        (void)snprintf(ret_reason, size, "it was open for %u s, which is as long as it may",
                       limits->max_s);
    } else {
        return false;
    }
    return true;
}
