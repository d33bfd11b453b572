/* log_record: one line of the log as a value, and the words for its level and folder. Any thread.
 */
#ifndef LOG_RECORD_H
#define LOG_RECORD_H

#include "log.h"

#include <time.h>

struct log_record {
    struct timespec at; /* wall clock */
    enum log_level level;
    enum log_folder folder;
    const char *source;       /* the format it was made from: lines of one source are alike */
    struct log_fields fields; /* texts point into `text` */
    const char *message;      /* points into `text` */
    char text[];
};

/* Copies everything but `source`, which must be a literal. */
struct log_record *log_record_new(enum log_level level, enum log_folder folder,
                                  const struct log_fields *fields, const char *source,
                                  const char *message);
void log_record_free(struct log_record *record); /* NULL is fine */

extern const char *const log_level_names[LOG_LEVEL_DEBUG + 1];
extern const char *const log_folder_names[LOG_FOLDERS];

#endif
