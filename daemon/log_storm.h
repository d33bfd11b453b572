/*
 * log_storm: says a line once, then counts it.
 *
 * A line that was said within the last second is held back, and so is the eleventh of one source
 * (one place in the code, whatever it says about whom; debug lines are exempt). When the second is
 * over, one line tells how many there were. Writer's thread only; time is given, so that tests need
 * none.
 */
#ifndef LOG_STORM_H
#define LOG_STORM_H

#include "log_record.h"

enum { LOG_STORM_WINDOW_MS = 1000, LOG_STORM_PER_SOURCE = 10, LOG_STORM_SLOTS = 32 };

struct log_storm {
    uint64_t key; /* 0: free */
    int64_t since_ms;
    unsigned seen;
    unsigned held;
    struct log_record *last; /* the newest that was held back, owned */
};

struct log_storms {
    struct log_storm texts[LOG_STORM_SLOTS];
    struct log_storm sources[LOG_STORM_SLOTS];
};

/* Takes the record; returns it if it is to be written (the caller's again), or NULL. */
struct log_record *log_storms_filter(struct log_storms *storms, struct log_record *record,
                                     int64_t now_ms);

/* A line that is due (the caller's), or NULL when there is no more at `now_ms`; with INT64_MAX all
 * that is held. */
struct log_record *log_storms_due(struct log_storms *storms, int64_t now_ms);

/* When to ask for what is due, or -1 when nothing is held. */
int64_t log_storms_next_ms(const struct log_storms *storms);

#endif
