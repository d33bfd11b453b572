/*
 * memory: allocation for the programs, which end when there is none (their state survives that:
 * it is tested by killing them). liblodge proper must not use it: a library does not end its host.
 * Sizes that come from outside are bounded before they get here. Any thread.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "lodge/strings.h"

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* NULL for NULL. */
char *xstrdup_or_null(const char *text);

/* One more at the end of an array and its count; gives its address, what is there is not set. */
#define ARRAY_GROW(items, count)                                      \
    ({                                                                \
        (items) = xrealloc((items), ((count) + 1) * sizeof *(items)); \
        &(items)[(count)++];                                          \
    })

/* Adds a copy of `text`, unless the list has it. */
void xstrings_note(struct lodge_strings *list, const char *text);

#endif
