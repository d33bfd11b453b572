/*
 * lines: counts lines whether they are seen or not, so that the caller learns how many there are;
 * one that is scrolled away gets a place where the canvas has no cells. Canvas and text are
 * borrowed.
 */
#include "view/lines.h"

/* More lines than anybody reads in one fact. */
#define PARAGRAPH_LINES 40

struct area lines_take(struct lines *lines, int height)
{
    struct area area = lines->area;
    int y = area.y + lines->line - lines->scroll;

    lines->line += height;
    area.height = height;
    area.y = y >= lines->area.y && y + height <= lines->area.y + lines->area.height ? y : -height;
    return area;
}

static void draw_label(struct lines *lines, struct area area, const char *label)
{
    canvas_text(lines->canvas, area, STYLE(ROLE_DIM), label);
}

void lines_fact(struct lines *lines, int indent, const char *label, struct style style,
                const char *text)
{
    struct area area = lines_take(lines, 1);

    draw_label(lines, area, label);
    area.x += indent;
    area.width -= indent;
    canvas_text(lines->canvas, area, style, text);
}

void lines_paragraph(struct lines *lines, int indent, const char *label, struct style style,
                     const char *text)
{
    struct canvas measure = {.glyphs = lines->canvas->glyphs};
    struct area area = {0, -1, lines->area.width - indent, PARAGRAPH_LINES};
    int count = canvas_paragraph(&measure, area, style, text);

    area = lines_take(lines, count);
    draw_label(lines, area, label);
    area.x += indent;
    area.width -= indent;
    canvas_paragraph(lines->canvas, area, style, text);
}
