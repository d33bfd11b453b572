/* joined: a picture's words without the places where its lines were broken. */
#ifndef TESTS_SUPPORT_JOINED_H
#define TESTS_SUPPORT_JOINED_H

#include <stdbool.h>

/* Makes one blank of all that is between words: a text that was broken at a blank is whole again.
 */
static inline void join_lines(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        bool blank = *from == ' ' || *from == '\n';
        if (!blank || (to > text && to[-1] != ' ')) {
            *to++ = blank ? ' ' : *from;
        }
    }
    *to = '\0';
}

#endif
