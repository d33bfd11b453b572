/*
 * canvas: a picture made of cells (a character and a style), drawn by views, shown by screen.c.
 *
 * Views know nothing of a terminal: they write text with roles into a canvas, and tests read it
 * back as text. A cell takes one column; a wide character takes two, the second of which is empty.
 * Everything is cut at the edge of the area it is drawn into, by columns and never by bytes. One
 * thread.
 */
#ifndef TUI_VIEW_CANVAS_H
#define TUI_VIEW_CANVAS_H

#include "view/theme.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A base character and what combines with it; more marks than that are dropped. */
#define CELL_CHARS 3

struct cell {
    uint32_t chars[CELL_CHARS]; /* code points, 0 ends them */
    uint8_t width;              /* 1, 2, or 0: covered by the wide one on its left */
    struct style style;
};

/* What the terminal can show. ASCII knows neither sparklines of dots nor lines. */
enum glyphs {
    GLYPHS_ASCII, /* not UTF-8 */
    GLYPHS_DOTS,  /* UTF-8; braille, whose width nobody disputes */
    GLYPHS_LINES, /* and box drawing, which some terminals make two columns wide */
};

struct area {
    int x, y, width, height;
};

struct canvas {
    int width, height;
    enum glyphs glyphs;
    enum palette palette; /* NONE after canvas_init() */
    struct cell *cells;   /* width * height, row by row; owned */
    int cursor_x;         /* where the terminal's cursor belongs, -1: hidden */
    int cursor_y;
};

void canvas_init(struct canvas *canvas, int width, int height, enum glyphs glyphs);
void canvas_done(struct canvas *canvas);

/* All cells blank, in the plain style, and no cursor. */
void canvas_clear(struct canvas *canvas);

struct area canvas_area(const struct canvas *canvas);

/* Writes one line of UTF-8 at the area's top left; returns the columns it took. Control characters
 * and what is not UTF-8 become '?', as does everything beyond ASCII where GLYPHS_ASCII. */
int canvas_text(struct canvas *canvas, struct area area, struct style style, const char *text);
int canvas_format(struct canvas *canvas, struct area area, struct style style, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* As canvas_text, and moves the area behind what was written. */
void canvas_append(struct canvas *canvas, struct area *area, struct style style, const char *text);

/* The same against the right edge of the area; returns the columns it took. */
int canvas_text_right(struct canvas *canvas, struct area area, struct style style,
                      const char *text);

/* As canvas_text, but what is too long loses its middle ("build-ru~er-07"), where names differ
 * least. */
int canvas_name(struct canvas *canvas, struct area area, struct style style, const char *text);

/* Over as many of the area's lines as it takes, broken at blanks; returns the lines. */
int canvas_paragraph(struct canvas *canvas, struct area area, struct style style, const char *text);

/* The lines that it would take of such a width. */
int canvas_paragraph_lines(const struct canvas *canvas, int width, const char *text);

/* A text that is typed into, `cursor` bytes before the cursor, which is put there: what does not
 * fit goes out on the left, so that the place that is typed at is seen. Returns the columns that
 * are out. */
int canvas_input(struct canvas *canvas, struct area area, struct style style, const char *text,
                 size_t cursor);

/* One code point into each cell of an area. */
void canvas_fill(struct canvas *canvas, struct area area, struct style style, uint32_t character);

/* A horizontal rule through the area's first line. */
void canvas_rule(struct canvas *canvas, struct area area, struct style style);

/* Adds flags to what is already drawn: the selection's reverse, a stale row's dimness. */
void canvas_add_flags(struct canvas *canvas, struct area area, unsigned flags);

/* The columns that text takes on this canvas. */
int canvas_text_width(const struct canvas *canvas, const char *text);

/* The picture as UTF-8 lines without trailing blanks; the caller frees. */
char *canvas_to_text(const struct canvas *canvas);

#endif
