/*
 * log_sink: makes a line of text, or a datagram of fields, of a record and writes it. Messages
 * quote guests and remote hosts, so control characters are shown and not sent to a terminal. What
 * the journal does not take goes to stderr, and what that does not take is lost.
 */
#include "log_sink.h"

#include "buffer.h"
#include "plain.h"
#include "scope.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* syslog's numbers: 3 error, 4 warning, 6 informational, 7 debug */
static const int priorities[] = {
    [LOG_LEVEL_ERROR] = 3,
    [LOG_LEVEL_WARNING] = 4,
    [LOG_LEVEL_INFO] = 6,
    [LOG_LEVEL_DEBUG] = 7,
};

/* systemd.exec(5): $JOURNAL_STREAM is device:inode of the stream it made for us; a redirected one
 * differs. */
static bool is_journal_stream(int stream)
{
    const char *text = getenv("JOURNAL_STREAM");
    struct stat info;
    if (text == NULL || fstat(stream, &info) != 0) {
        return false;
    }
    char *end = NULL;
    bool same_device = strtoull(text, &end, 10) == info.st_dev;
    return same_device && *end == ':' && strtoull(end + 1, NULL, 10) == info.st_ino;
}

static int journal_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return -1;
    }
    int connected = fd;
    fd = -1;
    return connected;
}

void log_sink_open(struct log_sink *sink, enum log_format format, int stream,
                   const char *journal_path)
{
    if (format == LOG_FORMAT_AUTO) {
        format = is_journal_stream(stream) ? LOG_FORMAT_JOURNAL : LOG_FORMAT_TEXT;
    }
    *sink = (struct log_sink){
        .format = format,
        .stream = stream,
        .journal = format == LOG_FORMAT_JOURNAL ? journal_connect(journal_path) : -1,
        .clock_only = isatty(stream) == 1,
    };
}

void log_sink_close(struct log_sink *sink)
{
    if (sink->journal >= 0) {
        close(sink->journal);
        sink->journal = -1;
    }
}

static void add_pair(struct buffer *line, const char *name, const char *value, bool *first)
{
    if (value != NULL) {
        buffer_add_text(line, *first ? " (" : " ");
        buffer_add_text(line, name);
        buffer_add_visible(line, value);
        *first = false;
    }
}

static void add_record_text(struct buffer *line, const struct log_record *record)
{
    char op[24];
    snprintf(op, sizeof op, "%lld", (long long)record->fields.op);

    bool first = true;
    buffer_add_text(line, log_folder_names[record->folder]);
    buffer_add_text(line, ": ");
    buffer_add_visible(line, record->message); /* it quotes guests and remote hosts */
    add_pair(line, "host=", record->fields.host, &first);
    add_pair(line, "vm=", record->fields.vm, &first);
    add_pair(line, "user=", record->fields.user, &first);
    add_pair(line, "op=", record->fields.op == 0 ? NULL : op, &first);
    buffer_add_text(line, first ? "\n" : ")\n");
}

static void add_time(struct buffer *line, const struct log_record *record, bool clock_only)
{
    struct tm local;
    char text[32];
    localtime_r(&record->at.tv_sec, &local);
    strftime(text, sizeof text, clock_only ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
    buffer_add_format(line, "%s.%03ld %-7s ", text, record->at.tv_nsec / 1000000,
                      log_level_names[record->level]);
}

/* A value with a newline in it travels with its length: systemd.io/JOURNAL_NATIVE_PROTOCOL. */
static void add_field(struct buffer *datagram, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }
    size_t length = strlen(value);
    buffer_add_text(datagram, name);
    if (memchr(value, '\n', length) == NULL) {
        buffer_add_char(datagram, '=');
    } else {
        uint64_t size = htole64(length);
        buffer_add_char(datagram, '\n');
        buffer_add(datagram, &size, sizeof size);
    }
    buffer_add(datagram, value, length);
    buffer_add_char(datagram, '\n');
}

static bool send_to_journal(const struct log_sink *sink, const struct log_record *record)
{
    if (sink->journal < 0) {
        return false;
    }
    AUTO(buffer_free) struct buffer datagram = {0};
    buffer_add_format(&datagram, "PRIORITY=%d\nSYSLOG_IDENTIFIER=lodged\n",
                      priorities[record->level]);
    add_field(&datagram, "MESSAGE", record->message);
    add_field(&datagram, "LODGE_FOLDER", log_folder_names[record->folder]);
    add_field(&datagram, "LODGE_HOST", record->fields.host);
    add_field(&datagram, "LODGE_VM", record->fields.vm);
    add_field(&datagram, "LODGE_USER", record->fields.user);
    if (record->fields.op != 0) {
        buffer_add_format(&datagram, "LODGE_OP=%lld\n", (long long)record->fields.op);
    }
    ssize_t sent = -1;
    do {
        sent = send(sink->journal, datagram.data, datagram.length, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* All of it, also when somebody made the stream non-blocking; what cannot be written is lost. */
static void write_to_stream(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written >= 0) {
            data += written;
            size -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

void log_sink_write(struct log_sink *sink, const struct log_record *record)
{
    if (sink->format == LOG_FORMAT_JOURNAL && send_to_journal(sink, record)) {
        return;
    }
    AUTO(buffer_free) struct buffer line = {0};
    if (sink->format == LOG_FORMAT_JOURNAL) {
        buffer_add_format(&line, "<%d>", priorities[record->level]);
    } else {
        add_time(&line, record, sink->clock_only);
    }
    add_record_text(&line, record);
    write_to_stream(sink->stream, line.data, line.length);
}
