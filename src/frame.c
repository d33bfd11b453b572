/*
 * frame: one growing block of bytes per connection, lines given out of it in place.
 *
 * The owner is the connection that reads into it. Each byte is looked at once (`scanned`), however
 * small the pieces it came in, and moved at most once per time the block doubles or is emptied of a
 * line. A block that one long line made large is given back when it is empty.
 */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME_KEPT = 64 * 1024 }; /* an empty block larger than this is not worth keeping */

void frame_init(struct frame *frame, size_t limit)
{
    *frame = (struct frame){.limit = limit};
}

void frame_done(struct frame *frame)
{
    free(frame->data);
    frame_init(frame, frame->limit);
}

/* Makes the block hold at least `needed` bytes. */
static bool frame_grow(struct frame *frame, size_t needed)
{
    size_t capacity = frame->capacity * 2 > needed ? frame->capacity * 2 : needed;
    char *data = realloc(frame->data, capacity);
    if (data == NULL) {
        return false;
    }
    frame->data = data;
    frame->capacity = capacity;
    return true;
}

char *frame_space(struct frame *frame, size_t size)
{
    size_t left = frame->end - frame->start;
    if (left == 0 && frame->capacity > FRAME_KEPT && frame->capacity > size) {
        frame_done(frame);
    }
    if (frame->start > 0) {
        memmove(frame->data, frame->data + frame->start, left);
        frame->scanned -= frame->start;
        frame->start = 0;
        frame->end = left;
    }
    if (frame->capacity - frame->end < size && !frame_grow(frame, frame->end + size)) {
        return NULL;
    }
    return frame->data + frame->end;
}

void frame_added(struct frame *frame, size_t size)
{
    frame->end += size;
}

bool frame_pending(const struct frame *frame)
{
    return frame->end > frame->start;
}

bool frame_has_line(struct frame *frame)
{
    const char *newline = NULL;
    if (frame->scanned < frame->end) {
        newline = memchr(frame->data + frame->scanned, '\n', frame->end - frame->scanned);
    }
    frame->scanned = newline != NULL ? (size_t)(newline - frame->data) : frame->end;
    return newline != NULL || frame->end - frame->start > frame->limit;
}

size_t frame_size(const struct frame *frame)
{
    return frame->capacity;
}

enum frame_result frame_next(struct frame *frame, char **ret_line, size_t *ret_length)
{
    if (!frame_pending(frame)) {
        return FRAME_NEED_MORE;
    }
    char *line = frame->data + frame->start;
    char *newline = NULL;
    if (frame->scanned < frame->end) {
        newline = memchr(frame->data + frame->scanned, '\n', frame->end - frame->scanned);
    }
    size_t length = newline != NULL ? (size_t)(newline - line) : frame->end - frame->start;
    if (length > frame->limit) {
        return FRAME_TOO_LONG; /* and again, if asked again: nothing is taken */
    }
    if (newline == NULL) {
        frame->scanned = frame->end;
        return FRAME_NEED_MORE;
    }

    frame->start += length + 1;
    frame->scanned = frame->start;
    if (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    line[length] = '\0';
    *ret_line = line;
    *ret_length = length;
    return FRAME_LINE;
}
