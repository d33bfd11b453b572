/*
 * The ring and its writer. Callers format, put a record into the ring and go on; the writer alone
 * touches storms and sink while it runs. The lock is the ring's: it is held for a few assignments,
 * never while anything is written, but in direct mode (before log_start and after log_stop), when
 * it also keeps lines apart.
 */
#include "log.h"

#include "log_record.h"
#include "log_sink.h"
#include "log_storm.h"
#include "memory.h"
#include "scope.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    RING_SLOTS = 1024,
    MESSAGE_MAX = 4096, /* bytes; longer ones are cut */
    FAREWELL_MS = 1000, /* a terminal that was stopped must not keep the daemon from leaving */
};

enum mode {
    MODE_DIRECT,
    MODE_RING,
    MODE_STOPPING,
    MODE_LOST, /* the writer hangs in a write: nothing can be said any more */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic; made by the first log_start */
    bool has_cond;
    enum mode mode;                       /* under lock, as all below */
    struct log_record *slots[RING_SLOTS]; /* owned */
    size_t first, count;
    unsigned lost;        /* found the ring full since that was last said */
    struct log_sink sink; /* the writer's while mode is RING or STOPPING */
} ring = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .sink = {.format = LOG_FORMAT_TEXT, .stream = 2, .journal = -1},
};

/* Atomic, because every line of every thread asks and an answer that is a moment old does no harm:
 * a letter per thread would be absurd. */
static atomic_int levels[LOG_FOLDERS] = {
    LOG_LEVEL_INFO, LOG_LEVEL_INFO, LOG_LEVEL_INFO, LOG_LEVEL_INFO, LOG_LEVEL_INFO,
    LOG_LEVEL_INFO, LOG_LEVEL_INFO, LOG_LEVEL_INFO, LOG_LEVEL_INFO,
};
_Static_assert(LOG_FOLDERS == 9, "a folder without a level would be silent");

bool log_wants(enum log_level level, enum log_folder folder)
{
    return (int)level <= atomic_load_explicit(&levels[folder], memory_order_relaxed);
}

/* --- levels ----------------------------------------------------------------------------------- */

/* The place of the word text[0..length) in `names`, or -1. */
static int word_find(const char *const *names, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}

#define LEVEL_WORDS "error, warning, info or debug"
#define FOLDER_WORDS "main, loop, store, host, libvirt, registry, ops or rpc"

static int level_find(const char *text, size_t length)
{
    return word_find(log_level_names, ARRAY_LENGTH(log_level_names), text, length);
}

/* One item of a list: "info" goes to *base, "host=debug" to named[LOG_HOST]. */
static bool read_item(const char *item, size_t length, int *base, int named[LOG_FOLDERS],
                      struct lodge_error *err)
{
    const char *equals = memchr(item, '=', length);
    const char *word = equals == NULL ? item : equals + 1;
    int *target = base;
    if (equals != NULL) {
        int folder = word_find(log_folder_names, LOG_FOLDERS, item, (size_t)(equals - item));
        if (folder < 0) {
            return lodge_fail(err, LODGE_ERROR_INVALID,
                              "'%.*s' is no folder of the log, expected " FOLDER_WORDS,
                              (int)(equals - item), item);
        }
        target = &named[folder];
    }
    size_t word_length = length - (size_t)(word - item);
    int level = level_find(word, word_length);
    if (level < 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "'%.*s' is no log level, expected " LEVEL_WORDS,
                          (int)word_length, word);
    }
    *target = level;
    return true;
}

static bool read_levels(const char *text, int ret_levels[LOG_FOLDERS], struct lodge_error *err)
{
    int base = LOG_LEVEL_INFO;
    int named[LOG_FOLDERS];
    for (int i = 0; i < LOG_FOLDERS; i++) {
        named[i] = -1;
    }
    for (const char *item = text;;) {
        size_t length = strcspn(item, ",");
        if (!read_item(item, length, &base, named, err)) {
            return false;
        }
        if (item[length] == '\0') {
            break;
        }
        item += length + 1;
    }
    for (int i = 0; i < LOG_FOLDERS; i++) {
        ret_levels[i] = named[i] < 0 ? base : named[i];
    }
    return true;
}

bool log_check_levels(const char *text, struct lodge_error *err)
{
    int wanted[LOG_FOLDERS];
    return read_levels(text, wanted, err);
}

bool log_set_levels(const char *text, struct lodge_error *err)
{
    int wanted[LOG_FOLDERS];
    if (!read_levels(text, wanted, err)) {
        return false;
    }
    for (int i = 0; i < LOG_FOLDERS; i++) {
        atomic_store_explicit(&levels[i], wanted[i], memory_order_relaxed);
    }
    return true;
}

bool log_set_level(const char *folder_or_null, const char *level, struct lodge_error *err)
{
    int wanted = level_find(level, strlen(level));
    if (wanted < 0) {
        return lodge_fail_param(err, "level", "'level' must be " LEVEL_WORDS);
    }
    int only = -1;
    if (folder_or_null != NULL) {
        only = word_find(log_folder_names, LOG_FOLDERS, folder_or_null, strlen(folder_or_null));
        if (only < 0) {
            return lodge_fail_param(err, "folder", "'folder' must be " FOLDER_WORDS);
        }
    }
    for (int i = 0; i < LOG_FOLDERS; i++) {
        if (only < 0 || i == only) {
            atomic_store_explicit(&levels[i], wanted, memory_order_relaxed);
        }
    }
    return true;
}

/* --- the writer ------------------------------------------------------------------------------- */

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec at_ms(int64_t time_ms)
{
    return (struct timespec){.tv_sec = time_ms / 1000, .tv_nsec = time_ms % 1000 * 1000000};
}

static void write_and_free(struct log_record *record)
{
    if (record != NULL) {
        log_sink_write(&ring.sink, record);
        log_record_free(record);
    }
}

static void write_due(struct log_storms *storms, int64_t now_ms)
{
    for (struct log_record *due = log_storms_due(storms, now_ms); due != NULL;
         due = log_storms_due(storms, now_ms)) {
        write_and_free(due);
    }
}

static void write_lost(unsigned lost)
{
    AUTO(free)
    char *text =
        xasprintf("lines missing here: %u, which came faster than they could be written", lost);
    write_and_free(log_record_new(LOG_LEVEL_WARNING, LOG_MAIN, NULL, "lost", text));
}

/* Waits until there is something to do, then takes the oldest record, or NULL when only time has
 * passed or the log is to stop. */
static struct log_record *ring_take(int64_t until_ms, unsigned *ret_lost, bool *ret_stop)
{
    struct log_record *record = NULL;
    struct timespec until = at_ms(until_ms);
    int waited = 0;

    pthread_mutex_lock(&ring.lock);
    while (ring.count == 0 && ring.mode == MODE_RING && waited == 0) {
        waited = until_ms < 0 ? pthread_cond_wait(&ring.changed, &ring.lock)
                              : pthread_cond_timedwait(&ring.changed, &ring.lock, &until);
    }
    if (ring.count > 0) {
        record = TAKE(ring.slots[ring.first]);
        ring.first = (ring.first + 1) % RING_SLOTS;
        ring.count--;
    }
    *ret_stop = record == NULL && ring.mode != MODE_RING;
    if (ring.count == 0) { /* said after a burst, not between its lines */
        *ret_lost = ring.lost;
        ring.lost = 0;
    }
    pthread_mutex_unlock(&ring.lock);
    return record;
}

static void *writer_run(void *data)
{
    (void)data;
    struct log_storms storms = {0};
    for (bool stop = false; !stop;) {
        unsigned lost = 0;
        struct log_record *record = ring_take(log_storms_next_ms(&storms), &lost, &stop);
        int64_t now_ms = monotonic_ms();
        write_due(&storms, stop ? INT64_MAX : now_ms);
        if (record != NULL) {
            write_and_free(log_storms_filter(&storms, record, now_ms));
        }
        if (lost > 0) {
            write_lost(lost);
        }
    }
    pthread_mutex_lock(&ring.lock);
    ring.mode = MODE_DIRECT;
    pthread_cond_broadcast(&ring.changed);
    pthread_mutex_unlock(&ring.lock);
    return NULL;
}

/* A detached thread that no signal is delivered to. */
static bool writer_start(void)
{
    sigset_t all;
    sigset_t before;
    pthread_attr_t detached;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&thread, &detached, writer_run, NULL);
    if (failed == 0) {
        pthread_setname_np(thread, "log");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    return failed == 0;
}

/* --- life ------------------------------------------------------------------------------------- */

void log_start(enum log_format format)
{
    pthread_mutex_lock(&ring.lock);
    if (ring.mode == MODE_DIRECT) {
        if (!ring.has_cond) {
            pthread_condattr_t monotonic;
            pthread_condattr_init(&monotonic);
            pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
            pthread_cond_init(&ring.changed, &monotonic);
            pthread_condattr_destroy(&monotonic);
            ring.has_cond = true;
        }
        log_sink_close(&ring.sink);
        log_sink_open(&ring.sink, format, 2, LOG_JOURNAL_SOCKET);
        if (writer_start()) {
            ring.mode = MODE_RING;
        } /* else: without a thread to spare, lines are written at once */
    }
    pthread_mutex_unlock(&ring.lock);
}

void log_stop(void)
{
    struct timespec until = at_ms(monotonic_ms() + FAREWELL_MS);
    pthread_mutex_lock(&ring.lock);
    if (ring.mode == MODE_RING) {
        ring.mode = MODE_STOPPING;
        pthread_cond_broadcast(&ring.changed);
        int waited = 0;
        while (ring.mode == MODE_STOPPING && waited == 0) {
            waited = pthread_cond_timedwait(&ring.changed, &ring.lock, &until);
        }
        if (ring.mode == MODE_STOPPING) {
            ring.mode = MODE_LOST;
        }
    }
    pthread_mutex_unlock(&ring.lock);
}

void log_line(enum log_level level, enum log_folder folder, const struct log_fields *fields,
              const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct log_record *record = log_record_new(level, folder, fields, format, message);
    bool is_first = false;

    pthread_mutex_lock(&ring.lock);
    if (ring.mode == MODE_DIRECT) {
        log_sink_write(&ring.sink, record);
    } else if (ring.mode == MODE_LOST || ring.count == RING_SLOTS) {
        ring.lost++;
    } else {
        ring.slots[(ring.first + ring.count) % RING_SLOTS] = TAKE(record);
        is_first = ring.count++ == 0;
    }
    pthread_mutex_unlock(&ring.lock);
    if (is_first) {
        pthread_cond_broadcast(&ring.changed); /* now: who wakes finds the lock free */
    }
    log_record_free(record);
}
