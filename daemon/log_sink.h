/*
 * log_sink: where lines end up, and how they look there.
 *
 * Text for people goes to stderr; journald gets its native datagrams, a field each, so that
 * `journalctl LODGE_HOST=h1` works. Without a journal, what was meant for it goes to stderr with
 * the <N> prefix that service managers understand. One thread at a time; writing may block.
 */
#ifndef LOG_SINK_H
#define LOG_SINK_H

#include "log_record.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

struct log_sink {
    enum log_format format; /* never AUTO */
    int stream;             /* stderr; not owned */
    int journal;            /* owned, -1: none */
    bool clock_only;        /* a terminal: whoever looks at it knows the day */
};

/* What AUTO means for this process: journald when $JOURNAL_STREAM names `stream`, else text. */
void log_sink_open(struct log_sink *sink, enum log_format format, int stream,
                   const char *journal_path);
void log_sink_close(struct log_sink *sink);

void log_sink_write(struct log_sink *sink, const struct log_record *record);

#endif
