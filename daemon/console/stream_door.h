/*
 * stream_door: a Unix socket for byte streams: local VNC viewers. Loop-only.
 *
 * Who connects sends the ticket as the first line, at most STREAM_LINE_MAX bytes, and must be who
 * the ticket was given to. The answer is `ok` or one line that says why not; then come bytes.
 */
#ifndef CONSOLE_STREAM_DOOR_H
#define CONSOLE_STREAM_DOOR_H

#include "console/console.h"

/* Of those that have shown no ticket. */
enum { STREAM_LINE_MAX = 128, STREAM_STRANGERS = 64, STREAM_STRANGER_MS = 5000 };

struct stream_door;

/* `fd` is bound, listens, and stays the caller's; `console` must outlive the door. */
struct stream_door *stream_door_new(struct loop *loop, struct console *console, int fd);

/* After the console was closed. Its connections are gone when the loop has run once more. */
void stream_door_close(struct stream_door *door);

#endif
