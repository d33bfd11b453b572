/*
 * log: one line per thing that happened, for a person at a terminal or for journald.
 *
 * Lines go into a bounded ring and are written by a thread of its own, so that no caller ever waits
 * for a terminal; what finds the ring full is counted and said later. The same message again within
 * a second is counted instead of repeated. Any thread.
 */
#ifndef LOG_H
#define LOG_H

#include "lodge/error.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The folder a line comes from: --log-level host=debug. */
enum log_folder {
    LOG_MAIN,
    LOG_LOOP,
    LOG_STORE,
    LOG_HOST,
    LOG_LIBVIRT, /* libvirt's own messages */
    LOG_REGISTRY,
    LOG_OPS,
    LOG_RPC,
    LOG_CONSOLE,
    LOG_FOLDERS,
};

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JOURNAL };

/* What a line is about; journald gets each as a field of its own (LODGE_HOST=…). NULL and 0 are
 * left out. */
struct log_fields {
    const char *host;
    const char *vm;
    const char *user;
    int64_t op;
};

/* "info", "debug", "host=debug,rpc=warning", "info,host=debug". Says the level of every folder:
 * those not named get the plain level, `info` without one. On failure (INVALID) nothing changes. */
bool log_set_levels(const char *text, struct lodge_error *err) LODGE_MUST_CHECK;

/* Would log_set_levels() take it? Changes nothing. */
bool log_check_levels(const char *text, struct lodge_error *err) LODGE_MUST_CHECK;

/* One folder, NULL for all; the others stay. PARAMS, naming `folder` or `level`, when unknown. */
bool log_set_level(const char *folder_or_null, const char *level, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* AUTO: journald when $JOURNAL_STREAM is our stderr, text otherwise. Starts the thread. */
void log_start(enum log_format format);

/* Writes what is in the ring and stops the thread; waits at most a second for it. Lines before
 * log_start() and after this are written at once, as text on stderr by default. */
void log_stop(void);

/* Use the macros. */
void log_line(enum log_level level, enum log_folder folder, const struct log_fields *fields,
              const char *format, ...) __attribute__((format(printf, 4, 5)));
bool log_wants(enum log_level level, enum log_folder folder);

#define log_with(level, folder, fields, ...) \
    (log_wants(level, folder) ? log_line(level, folder, fields, __VA_ARGS__) : (void)0)
#define log_error(folder, ...) log_with(LOG_LEVEL_ERROR, folder, NULL, __VA_ARGS__)
#define log_warning(folder, ...) log_with(LOG_LEVEL_WARNING, folder, NULL, __VA_ARGS__)
#define log_info(folder, ...) log_with(LOG_LEVEL_INFO, folder, NULL, __VA_ARGS__)
#define log_debug(folder, ...) log_with(LOG_LEVEL_DEBUG, folder, NULL, __VA_ARGS__)

#endif
