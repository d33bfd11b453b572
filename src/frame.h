/*
 * frame: bytes from a socket become lines, with a bound on the longest.
 *
 * The reader reads into frame_space(), says how much came, and takes lines until there is none.
 * What a line points to is valid until the next frame_space(). Any thread, one at a time.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>

struct frame {
    char *data;
    size_t start; /* of what has not been taken as a line */
    size_t end;
    size_t capacity;
    size_t scanned; /* up to here there is no newline */
    size_t limit;   /* the longest line, without its newline but with a carriage return */
};

/* TOO_LONG stays the answer: nothing is taken any more, and the reader should hang up. */
enum frame_result { FRAME_LINE, FRAME_NEED_MORE, FRAME_TOO_LONG };

void frame_init(struct frame *frame, size_t limit);

/* Frees the block; the frame is as after frame_init(), so that a reader with nothing pending may
 * call it to hold no memory while it waits. */
void frame_done(struct frame *frame);

/* At least `size` bytes to read into; NULL when memory is out. Moves what is left to the front. */
char *frame_space(struct frame *frame, size_t size);
void frame_added(struct frame *frame, size_t size);

/* The next line without its newline (and without a carriage return before it), NUL-terminated. */
enum frame_result frame_next(struct frame *frame, char **ret_line, size_t *ret_length);

/* Whether frame_next() would give a line, or say that one is too long. */
bool frame_has_line(struct frame *frame);

/* What it takes in memory, bytes. */
size_t frame_size(const struct frame *frame);

/* Whether bytes wait that frame_next() has not given out. */
bool frame_pending(const struct frame *frame);

#endif
