/*
 * fuzz_frame: any bytes, in pieces of any size, come out as the lines that are in them.
 *
 * The first byte chooses the limit, the second the sizes of the pieces; the rest is what is read.
 * Lines are compared with those that a plain search finds.
 */
#include "frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Takes what is whole; `expected` is where the stream's next line starts. */
static bool take_lines(struct frame *frame, const char *stream, size_t fed, size_t *expected)
{
    for (;;) {
        char *line = NULL;
        size_t length = 0;
        const char *start = stream + *expected;
        const char *newline = memchr(start, '\n', fed - *expected);
        size_t wanted = newline != NULL ? (size_t)(newline - start) : fed - *expected;
        enum frame_result result = frame_next(frame, &line, &length);
        if (result == FRAME_TOO_LONG) {
            must(wanted > frame->limit);
            return false;
        }
        must(wanted <= frame->limit);
        if (result == FRAME_NEED_MORE) {
            must(newline == NULL && frame_pending(frame) == (wanted > 0));
            return true;
        }
        must(newline != NULL);
        *expected += wanted + 1;
        if (wanted > 0 && start[wanted - 1] == '\r') {
            wanted--;
        }
        must(length == wanted && line[length] == '\0' && memcmp(line, start, length) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct frame frame;
    frame_init(&frame, data[0]);
    unsigned piece = data[1];
    const char *stream = (const char *)data + 2;
    size_t left = size - 2;
    size_t fed = 0;
    size_t expected = 0;
    bool is_open = true;
    while (is_open && left > 0) {
        piece = piece * 5 + 1;
        size_t more = piece % 61 + 1 < left ? piece % 61 + 1 : left;
        char *space = frame_space(&frame, more);
        must(space != NULL);
        memcpy(space, stream + fed, more);
        frame_added(&frame, more);
        fed += more;
        left -= more;
        is_open = take_lines(&frame, stream, fed, &expected);
    }
    frame_done(&frame);
    return 0;
}
