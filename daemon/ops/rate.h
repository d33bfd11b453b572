/*
 * rate: how many operations each user has begun within the hour, and how fast their jobs follow
 * each other. Each operation leaves a row that is kept for days, so a user has so many
 * ([operations] per_hour). Loop-only.
 */
#ifndef OPS_RATE_H
#define OPS_RATE_H

#include "lodge/error.h"

#include <stdint.h>
#include <sys/types.h>

enum { RATE_JOB_MS = 25, RATE_BURST_MS = 1000 };

struct rate;

struct rate *rate_new(void);

/* Whether one more may begin; TOO_MANY, which says when. */
bool rate_allows(struct rate *rate, uid_t uid, unsigned per_hour, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* One has begun `age_ms` ago. */
void rate_add(struct rate *rate, uid_t uid, int64_t age_ms);

/* One that was added within the hour, `age_ms` ago, has not begun after all. */
void rate_take_back(struct rate *rate, uid_t uid, int64_t age_ms);

/* When (monotonic ms) one more job of a user may be sent; now or earlier: at once. A burst of
 * RATE_BURST_MS is free, then they are RATE_JOB_MS apart: what takes a guest or a disk takes longer
 * anyway, and a flood of what changes nothing keeps no processor. */
uint64_t rate_sends_at(struct rate *rate, uid_t uid);
void rate_sent(struct rate *rate, uid_t uid);

#endif
