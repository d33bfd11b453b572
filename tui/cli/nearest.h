/* nearest: which of the words that there are was meant by one that is none of them. */
#ifndef TUI_CLI_NEAREST_H
#define TUI_CLI_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *word;  /* what was said; borrowed */
    const char *found; /* NULL: none is near enough; borrowed from who offered it */
    size_t distance;
};

/* `word` was said. */
void nearest_begin(struct nearest *nearest, const char *word);

/* `candidate` is one of those that there are. The first of the nearest stays: one letter more,
 * less, another, or two in each other's place for every three that were said, or a word that begins
 * so. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
