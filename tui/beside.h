/* beside: programs that the TUI has started, a viewer or a browser: whether one has failed. */
#ifndef TUI_BESIDE_H
#define TUI_BESIDE_H

#include "cli/program.h"

#include <poll.h>
#include <stddef.h>

enum { BESIDE_MAX = 16 };

struct beside {
    struct program programs[BESIDE_MAX];
    const char *what[BESIDE_MAX]; /* "the browser" */
    size_t count;
};

/* Takes one over; `what` is what its failure is told of, a text that stays. Of more than fit, the
 * oldest is watched no longer. */
void beside_add(struct beside *beside, const char *what, const struct program *program);

/* Fills in what poll() is to wait for, at most BESIDE_MAX; how many. */
size_t beside_waits(const struct beside *beside, struct pollfd *waits);

/* Forgets those that have ended. "the browser failed: LAST LINE" of one that did not end well, or
 * NULL; the caller frees. */
char *beside_failure(struct beside *beside);

/* What runs runs on. */
void beside_done(struct beside *beside);

#endif
