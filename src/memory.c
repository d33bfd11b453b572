/*
 * memory: the C library's allocation; where it has nothing to give, a word on stderr and abort().
 * No state.
 */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *or_abort(void *memory)
{
    if (memory == NULL) {
        static const char last_words[] = "out of memory\n";
        ssize_t written = write(STDERR_FILENO, last_words, sizeof last_words - 1);
        (void)written;
        abort();
    }
    return memory;
}

void *xmalloc(size_t size)
{
    return or_abort(malloc(size == 0 ? 1 : size));
}

void *xcalloc(size_t count, size_t size)
{
    return or_abort(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

void *xrealloc(void *old, size_t size)
{
    return or_abort(realloc(old, size == 0 ? 1 : size));
}

char *xstrdup(const char *text)
{
    return or_abort(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
    return or_abort(strndup(text, length));
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return or_abort(length < 0 ? NULL : text);
}

char *xstrdup_or_null(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

void xstrings_note(struct lodge_strings *list, const char *text)
{
    if (!lodge_strings_contain(list, text) && !lodge_strings_add(list, text)) {
        abort();
    }
}
