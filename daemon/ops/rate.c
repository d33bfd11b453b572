/* rate: sixty counts a user, one a minute, in a ring; and the pace of its jobs. Loop-only. */
#include "ops/rate.h"

#include "loop/loop.h"
#include "loop/pace.h"
#include "memory.h"

enum { MINUTES = 60, MINUTE_MS = 60000 };

struct user_rate {
    struct user_rate *next;
    uid_t uid;
    int64_t minute; /* the newest in the ring */
    unsigned counts[MINUTES];
    struct pace jobs;
};

struct rate {
    struct user_rate *users; /* dozens at most: those who begin operations */
};

struct rate *rate_new(void)
{
    return xcalloc(1, sizeof(struct rate));
}

/* Of the monotonic clock, a day ahead: nothing in the last hour is before its beginning. */
static int64_t minute_of(int64_t age_ms)
{
    return ((int64_t)loop_monotonic_ms() - age_ms) / MINUTE_MS + INT64_C(24) * MINUTES;
}

/* Minutes that have passed since the last look are empty. */
static struct user_rate *rate_user_of(struct rate *rate, uid_t uid)
{
    struct user_rate *user = rate->users;
    while (user != NULL && user->uid != uid) {
        user = user->next;
    }
    if (user == NULL) {
        user = xcalloc(1, sizeof *user);
        user->uid = uid;
        user->next = rate->users;
        rate->users = user;
    }
    int64_t now = minute_of(0);
    int64_t first = user->minute < now - MINUTES ? now - MINUTES : user->minute;
    for (int64_t minute = first + 1; minute <= now; minute++) {
        user->counts[minute % MINUTES] = 0;
    }
    user->minute = now;
    return user;
}

bool rate_allows(struct rate *rate, uid_t uid, unsigned per_hour, struct lodge_error *err)
{
    struct user_rate *user = rate_user_of(rate, uid);
    unsigned sum = 0;
    for (int i = 0; i < MINUTES; i++) {
        sum += user->counts[i];
    }
    if (sum < per_hour) {
        return true;
    }
    unsigned wait = 1; /* minutes until the oldest that is too many is an hour old */
    for (int64_t minute = user->minute - MINUTES + 1; minute < user->minute; minute++, wait++) {
        sum -= user->counts[minute % MINUTES];
        if (sum < per_hour) {
            break;
        }
    }
    return lodge_fail(err, LODGE_ERROR_TOO_MANY,
                      "uid %u has begun %u operations within the hour, which is as many as a user "
                      "may ([operations] per_hour): the next in %u min",
                      (unsigned)uid, per_hour, wait);
}

/* NULL: it was too long ago to count. */
static unsigned *count_of(struct rate *rate, uid_t uid, int64_t age_ms)
{
    struct user_rate *user = rate_user_of(rate, uid);
    int64_t minute = minute_of(age_ms < 0 ? 0 : age_ms); /* the wall's clock was put back */
    return minute > user->minute - MINUTES ? &user->counts[minute % MINUTES] : NULL;
}

void rate_add(struct rate *rate, uid_t uid, int64_t age_ms)
{
    unsigned *count = count_of(rate, uid, age_ms);
    if (count != NULL) {
        (*count)++;
    }
}

void rate_take_back(struct rate *rate, uid_t uid, int64_t age_ms)
{
    unsigned *count = count_of(rate, uid, age_ms);
    if (count != NULL && *count > 0) {
        (*count)--;
    }
}

uint64_t rate_sends_at(struct rate *rate, uid_t uid)
{
    return pace_next(&rate_user_of(rate, uid)->jobs, RATE_BURST_MS);
}

void rate_sent(struct rate *rate, uid_t uid)
{
    pace_pay(&rate_user_of(rate, uid)->jobs, RATE_JOB_MS);
}
