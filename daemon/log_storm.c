/*
 * log_storm: two tables of slots with a window of a second each, by a line's text and by its
 * source. A slot is found by its key or taken from the oldest that holds nothing back; when all are
 * in a storm, lines go through uncounted. A line that is held back is the slot's.
 */
#include "log_storm.h"

#include "memory.h"
#include "scope.h"

#include <stddef.h>

/* FNV-1a; two lines that share a hash are counted together, which is no harm. */
static uint64_t hash(uint64_t seed, const char *text)
{
    for (const char *c = text == NULL ? "" : text; *c != '\0'; c++) {
        seed = (seed ^ (unsigned char)*c) * 1099511628211U;
    }
    return (seed ^ 0xff) * 1099511628211U; /* the end of a text counts too */
}

static uint64_t text_key(const struct log_record *record)
{
    uint64_t key = 14695981039346656037U + (uint64_t)record->folder;
    key = hash(key, record->message);
    key = hash(key, record->fields.host);
    key = hash(key, record->fields.vm);
    key = hash(key, record->fields.user);
    return (key ^ (uint64_t)record->fields.op) | 1;
}

static uint64_t source_key(const struct log_record *record)
{
    return ((uint64_t)(uintptr_t)record->source << 8) | (uint64_t)record->folder << 1 | 1;
}

/* The slot of `key`: its own, or a free one, or the oldest that holds nothing back; NULL when all
 * are in a storm. A window that has passed without a line held back begins anew. */
static struct log_storm *slot(struct log_storm *slots, uint64_t key, int64_t now_ms)
{
    struct log_storm *best = NULL;
    for (size_t i = 0; i < LOG_STORM_SLOTS; i++) {
        struct log_storm *storm = &slots[i];
        if (storm->key == key) {
            if (storm->held == 0 && now_ms - storm->since_ms >= LOG_STORM_WINDOW_MS) {
                storm->since_ms = now_ms;
                storm->seen = 0;
            }
            return storm;
        }
        if (storm->held == 0 && (best == NULL || storm->since_ms < best->since_ms)) {
            best = storm;
        }
    }
    if (best != NULL) {
        *best = (struct log_storm){.key = key, .since_ms = now_ms};
    }
    return best;
}

static bool storm_hold(struct log_storm *storm, unsigned allowed, struct log_record *record)
{
    if (storm == NULL || storm->seen < allowed) {
        if (storm != NULL) {
            storm->seen++;
        }
        return false;
    }
    storm->held++;
    log_record_free(storm->last);
    storm->last = record;
    return true;
}

struct log_record *log_storms_filter(struct log_storms *storms, struct log_record *record,
                                     int64_t now_ms)
{
    if (storm_hold(slot(storms->texts, text_key(record), now_ms), 1, record)) {
        return NULL;
    }
    if (record->level < LOG_LEVEL_DEBUG &&
        storm_hold(slot(storms->sources, source_key(record), now_ms), LOG_STORM_PER_SOURCE,
                   record)) {
        return NULL;
    }
    return record;
}

/* What is said about a storm's last second. The window goes on: while it blows, a line a second. */
static struct log_record *sum_up(struct log_storm *storm, int64_t now_ms)
{
    struct log_record *last = TAKE(storm->last);
    unsigned held = storm->held;
    storm->held = 0;
    storm->since_ms = now_ms;
    if (held == 1) {
        return last;
    }
    AUTO(free) char *text = xasprintf("%s ... %u more like this in 1 s", last->message, held);
    struct log_record *sum =
        log_record_new(last->level, last->folder, &last->fields, last->source, text);
    log_record_free(last);
    return sum;
}

static struct log_record *due(struct log_storm *slots, int64_t now_ms)
{
    for (size_t i = 0; i < LOG_STORM_SLOTS; i++) {
        if (slots[i].held > 0 && now_ms - slots[i].since_ms >= LOG_STORM_WINDOW_MS) {
            return sum_up(&slots[i], now_ms);
        }
    }
    return NULL;
}

struct log_record *log_storms_due(struct log_storms *storms, int64_t now_ms)
{
    struct log_record *record = due(storms->texts, now_ms);
    return record != NULL ? record : due(storms->sources, now_ms);
}

int64_t log_storms_next_ms(const struct log_storms *storms)
{
    int64_t next = -1;
    for (size_t i = 0; i < 2 * (size_t)LOG_STORM_SLOTS; i++) {
        const struct log_storm *storm =
            i < LOG_STORM_SLOTS ? &storms->texts[i] : &storms->sources[i - LOG_STORM_SLOTS];
        if (storm->held > 0 && (next < 0 || storm->since_ms + LOG_STORM_WINDOW_MS < next)) {
            next = storm->since_ms + LOG_STORM_WINDOW_MS;
        }
    }
    return next;
}
