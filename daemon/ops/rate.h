/*
 * rate: how many operations each user has begun within the hour. Each leaves a row that is kept for
 * days, so a user has so many ([operations] per_hour). Loop-only.
 */
#ifndef OPS_RATE_H
#define OPS_RATE_H

#include "lodge/error.h"

#include <stdint.h>
#include <sys/types.h>

struct rate;

struct rate *rate_new(void);

/* Whether one more may begin; TOO_MANY, which says when. */
bool rate_allows(struct rate *rate, uid_t uid, unsigned per_hour, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* One has begun `age_ms` ago. */
void rate_add(struct rate *rate, uid_t uid, int64_t age_ms);

/* One that was added within the hour, `age_ms` ago, has not begun after all. */
void rate_take_back(struct rate *rate, uid_t uid, int64_t age_ms);

#endif
