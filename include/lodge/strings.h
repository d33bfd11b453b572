/* lodge_strings: a list of texts, owned with them by whoever holds the struct. */
#ifndef LODGE_STRINGS_H
#define LODGE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct lodge_strings {
    char **items; /* heap, each too; no NULL among the first `count` */
    size_t count;
};

/* Appends a copy of `text`; false when memory is out (the list is unchanged). */
bool lodge_strings_add(struct lodge_strings *list, const char *text);

bool lodge_strings_contain(const struct lodge_strings *list, const char *text);

/* Frees the texts and the list; the struct is empty afterwards. */
void lodge_strings_clear(struct lodge_strings *list);

#endif
