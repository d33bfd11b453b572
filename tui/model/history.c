/* history: a minute of percents in a ring with one place per second. */
#include "model/model.h"

#include <math.h>
#include <string.h>

#define NOT_KNOWN UINT8_MAX

static uint8_t *place_of_second(struct history *history, int64_t second)
{
    return &history->halves[second % HISTORY_SECONDS];
}

void history_add(struct history *history, int64_t at_ms, double percent)
{
    int64_t second = at_ms / 1000;
    uint8_t value = isnan(percent) ? NOT_KNOWN : (uint8_t)lround(fmin(fmax(percent, 0), 100) * 2);

    if (second < history->second) {
        return;
    }
    if (second - history->second >= HISTORY_SECONDS) {
        memset(history->halves, NOT_KNOWN, sizeof history->halves);
    } else {
        /* Samples a second apart may fall two seconds apart (0.99, 2.01): one missing place is
         * jitter and not a gap. */
        uint8_t between = second - history->second == 2 ? value : NOT_KNOWN;
        for (int64_t i = history->second + 1; i < second; i++) {
            *place_of_second(history, i) = between;
        }
    }
    *place_of_second(history, second) = value;
    history->second = second;
}

int64_t history_values(const struct history *history, int64_t now_ms,
                       double ret_values[HISTORY_SECONDS])
{
    /* The newest sample stands at the edge, unless it is so old that its age must show. */
    int64_t end = now_ms / 1000 - history->second <= 2 ? history->second : now_ms / 1000;

    for (int64_t i = 0; i < HISTORY_SECONDS; i++) {
        int64_t second = end - HISTORY_SECONDS + 1 + i;
        bool kept = second <= history->second && second > history->second - HISTORY_SECONDS;
        uint8_t value = kept && second >= 0 ? history->halves[second % HISTORY_SECONDS] : NOT_KNOWN;
        ret_values[i] = value == NOT_KNOWN ? NAN : value / 2.0;
    }
    return end;
}
