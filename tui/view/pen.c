/*
 * pen: counts lines whether they are seen or not, so that the caller learns how many there are; one
 * that is scrolled away gets a place where the canvas has no cells. Canvas and text are borrowed.
 */
#include "view/pen.h"

/* More lines than anybody reads in one fact. */
#define PARAGRAPH_LINES 40

struct area pen_lines(struct pen *pen, int height)
{
    struct area area = pen->area;
    int y = area.y + pen->line - pen->scroll;

    pen->line += height;
    area.height = height;
    area.y = y >= pen->area.y && y + height <= pen->area.y + pen->area.height ? y : -height;
    return area;
}

static void draw_label(struct pen *pen, struct area area, const char *label)
{
    canvas_text(pen->canvas, area, STYLE(ROLE_DIM), label);
}

void pen_fact(struct pen *pen, int indent, const char *label, struct style style, const char *text)
{
    struct area area = pen_lines(pen, 1);

    draw_label(pen, area, label);
    area.x += indent;
    area.width -= indent;
    canvas_text(pen->canvas, area, style, text);
}

void pen_paragraph(struct pen *pen, int indent, const char *label, struct style style,
                   const char *text)
{
    struct canvas measure = {.glyphs = pen->canvas->glyphs};
    struct area area = {0, -1, pen->area.width - indent, PARAGRAPH_LINES};
    int lines = canvas_paragraph(&measure, area, style, text);

    area = pen_lines(pen, lines);
    draw_label(pen, area, label);
    area.x += indent;
    area.width -= indent;
    canvas_paragraph(pen->canvas, area, style, text);
}
