/* lines: draws line after line into an area that can be scrolled, and counts them. One thread. */
#ifndef TUI_VIEW_LINES_H
#define TUI_VIEW_LINES_H

#include "view/canvas.h"

struct lines {
    struct canvas *canvas;
    struct area area;
    int scroll; /* lines that lie above the area */
    int line;   /* the next, from 0 */
};

/* The place of the next `height` lines. They lie outside of every canvas if they are scrolled away,
 * so that drawing needs no ifs; of several lines, all or none are there. */
struct area lines_take(struct lines *lines, int height);

/* "label   text" with the text at column `indent`. */
void lines_fact(struct lines *lines, int indent, const char *label, struct style style,
                const char *text);

/* The same over as many lines as the text takes. */
void lines_paragraph(struct lines *lines, int indent, const char *label, struct style style,
                     const char *text);

#endif
