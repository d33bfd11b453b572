/* canvas: cells, and text that keeps to its columns. */
#include "view/canvas.h"

#include "memory.h"
#include "plain.h"
#include "scope.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* A line of the widest terminal we draw for; longer formatted text is cut, as drawing would. */
#define LINE_BYTES 2048

void canvas_init(struct canvas *canvas, int width, int height, enum glyphs glyphs)
{
    *canvas = (struct canvas){.width = width, .height = height, .glyphs = glyphs};
    canvas->cells = xcalloc((size_t)width * (size_t)height + 1, sizeof(struct cell));
    canvas_clear(canvas);
}

void canvas_done(struct canvas *canvas)
{
    free(canvas->cells);
    canvas->cells = NULL;
}

void canvas_clear(struct canvas *canvas)
{
    size_t count = (size_t)canvas->width * (size_t)canvas->height;

    for (size_t i = 0; i < count; i++) {
        canvas->cells[i] = (struct cell){.chars = {' '}, .width = 1};
    }
    canvas->cursor_x = -1;
    canvas->cursor_y = -1;
}

struct area canvas_area(const struct canvas *canvas)
{
    return (struct area){0, 0, canvas->width, canvas->height};
}

static struct cell *cell_at(struct canvas *canvas, int x, int y)
{
    return &canvas->cells[(size_t)y * (size_t)canvas->width + (size_t)x];
}

/* The next character as it can be shown, and the columns it takes (0: it combines). */
static size_t next_character(const struct canvas *canvas, const char *text, uint32_t *ret_character,
                             int *ret_width)
{
    size_t length = utf8_decode(text, ret_character);

    if (length == 0) { /* no UTF-8: one '?' per byte */
        *ret_character = '?';
        length = 1;
    }
    *ret_width = 1;
    if (character_is_hidden(*ret_character)) {
        *ret_character = '?';
    }
    if (*ret_character < 0x80) {
        return length;
    }
    if (canvas->glyphs != GLYPHS_ASCII) {
        *ret_width = wcwidth((wchar_t)*ret_character);
    }
    if (canvas->glyphs == GLYPHS_ASCII || *ret_width < 0) {
        *ret_character = '?';
        *ret_width = 1;
    }
    return length;
}

int canvas_text_width(const struct canvas *canvas, const char *text)
{
    int columns = 0;

    while (*text != '\0') {
        uint32_t character;
        int width;
        text += next_character(canvas, text, &character, &width);
        columns += width;
    }
    return columns;
}

/* A wide character that is written over by half leaves a blank, not a torn one. */
static void untear(struct canvas *canvas, int x, int y)
{
    if (x >= canvas->width) {
        return;
    }
    struct cell *cell = cell_at(canvas, x, y);
    if (cell->width == 0 && x > 0) {
        struct cell *left = cell_at(canvas, x - 1, y);
        left->chars[0] = ' ';
        left->chars[1] = 0;
        left->width = 1;
        cell->chars[0] = ' ';
        cell->width = 1;
    }
}

static void put(struct canvas *canvas, int x, int y, struct style style, uint32_t character,
                int width)
{
    untear(canvas, x, y);
    untear(canvas, x + width, y);
    *cell_at(canvas, x, y) =
        (struct cell){.chars = {character}, .width = (uint8_t)width, .style = style};
    if (width == 2) {
        *cell_at(canvas, x + 1, y) = (struct cell){.style = style};
    }
}

static void combine(struct canvas *canvas, int x, int y, uint32_t character)
{
    struct cell *cell = cell_at(canvas, x, y);

    for (size_t i = 1; i < CELL_CHARS; i++) {
        if (cell->chars[i] == 0) {
            cell->chars[i] = character;
            return;
        }
    }
}

/* The part of an area that lies on the canvas, its height one line. */
static struct area clip_line(const struct canvas *canvas, struct area area)
{
    if (area.y < 0 || area.y >= canvas->height || area.x >= canvas->width || area.x < 0) {
        return (struct area){0};
    }
    if (area.width > canvas->width - area.x) {
        area.width = canvas->width - area.x;
    }
    area.height = 1;
    return area;
}

int canvas_text(struct canvas *canvas, struct area area, struct style style, const char *text)
{
    int used = 0;
    int last = -1; /* where the last base character stands */

    area = clip_line(canvas, area);
    while (*text != '\0' && area.width > 0) {
        uint32_t character;
        int width;
        text += next_character(canvas, text, &character, &width);
        if (width == 0) {
            if (last >= 0) {
                combine(canvas, last, area.y, character);
            }
            continue;
        }
        if (used + width > area.width) {
            break;
        }
        last = area.x + used;
        put(canvas, last, area.y, style, character, width);
        used += width;
    }
    return used;
}

void canvas_append(struct canvas *canvas, struct area *area, struct style style, const char *text)
{
    int used = canvas_text(canvas, *area, style, text);

    area->x += used;
    area->width -= used;
}

int canvas_format(struct canvas *canvas, struct area area, struct style style, const char *format,
                  ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return length < 0 ? 0 : canvas_text(canvas, area, style, line);
}

int canvas_text_right(struct canvas *canvas, struct area area, struct style style, const char *text)
{
    int width = canvas_text_width(canvas, text);

    if (width < area.width) {
        area.x += area.width - width;
        area.width = width;
    }
    return canvas_text(canvas, area, style, text);
}

/* Where the last `columns` columns of the text begin. */
static const char *tail(const struct canvas *canvas, const char *text, int columns)
{
    int skip = canvas_text_width(canvas, text) - columns;

    while (*text != '\0' && skip > 0) {
        uint32_t character;
        int width;
        text += next_character(canvas, text, &character, &width);
        skip -= width;
    }
    return text;
}

int canvas_name(struct canvas *canvas, struct area area, struct style style, const char *text)
{
    if (area.width < 4 || canvas_text_width(canvas, text) <= area.width) {
        return canvas_text(canvas, area, style, text);
    }
    int end = (area.width - 1) / 2;
    struct area head = {area.x, area.y, area.width - 1 - end, 1};
    int used = canvas_text(canvas, head, style, text);

    used += canvas_text(canvas, (struct area){area.x + used, area.y, 1, 1}, style, "~");
    return used + canvas_text(canvas, (struct area){area.x + used, area.y, area.width - used, 1},
                              style, tail(canvas, text, end));
}

/* The bytes of `text` that fit into a line: up to the last blank before the edge, if there is one.
 */
static size_t line_break(const struct canvas *canvas, const char *text, int columns)
{
    size_t at = 0;
    size_t blank = 0;
    int used = 0;

    while (text[at] != '\0') {
        uint32_t character;
        int width;
        size_t length = next_character(canvas, text + at, &character, &width);
        if (character == ' ') {
            blank = at;
        }
        if (used + width > columns) {
            return blank > 0 ? blank : at > 0 ? at : length;
        }
        used += width;
        at += length;
    }
    return at;
}

int canvas_paragraph(struct canvas *canvas, struct area area, struct style style, const char *text)
{
    int lines = 0;

    while (*text != '\0' && lines < area.height && area.width > 0) {
        size_t length = line_break(canvas, text, area.width);
        AUTO(free) char *line = xstrndup(text, length);
        canvas_text(canvas, (struct area){area.x, area.y + lines, area.width, 1}, style, line);
        lines++;
        text += length;
        text += strspn(text, " ");
    }
    return lines;
}

int canvas_paragraph_lines(const struct canvas *canvas, int width, const char *text)
{
    int lines = 0;

    while (*text != '\0' && width > 0) {
        text += line_break(canvas, text, width);
        text += strspn(text, " ");
        lines++;
    }
    return lines;
}

int canvas_input(struct canvas *canvas, struct area area, struct style style, const char *text,
                 size_t cursor)
{
    AUTO(free) char *before = xstrndup(text, cursor);
    int width = canvas_text_width(canvas, before);
    int out = width < area.width ? 0 : width - area.width + 1;
    const char *seen = before; /* from the first character that is not out */

    if (out > 0) {
        seen = tail(canvas, before, width - out);
        out = width - canvas_text_width(canvas, seen);
    }
    canvas_text(canvas, area, style, text + (seen - before));
    canvas->cursor_x = area.x + width - out;
    canvas->cursor_y = area.y;
    return out;
}

void canvas_fill(struct canvas *canvas, struct area area, struct style style, uint32_t character)
{
    for (int y = area.y; y < area.y + area.height; y++) {
        struct area line = clip_line(canvas, (struct area){area.x, y, area.width, 1});
        for (int x = line.x; x < line.x + line.width; x++) {
            put(canvas, x, y, style, character, 1);
        }
    }
}

void canvas_rule(struct canvas *canvas, struct area area, struct style style)
{
    area.height = 1;
    canvas_fill(canvas, area, style, canvas->glyphs == GLYPHS_LINES ? 0x2500 : '-');
}

void canvas_add_flags(struct canvas *canvas, struct area area, unsigned flags)
{
    for (int y = area.y; y < area.y + area.height; y++) {
        struct area line = clip_line(canvas, (struct area){area.x, y, area.width, 1});
        for (int x = line.x; x < line.x + line.width; x++) {
            cell_at(canvas, x, y)->style.flags |= (uint8_t)flags;
        }
    }
}

char *canvas_to_text(const struct canvas *canvas)
{
    size_t cells = (size_t)canvas->width * (size_t)canvas->height;
    char *text = xmalloc(cells * CELL_CHARS * UTF8_MAX + (size_t)canvas->height + 1);
    size_t length = 0;

    for (int y = 0; y < canvas->height; y++) {
        size_t line = length; /* up to here is kept: what follows are blanks so far */
        for (int x = 0; x < canvas->width; x++) {
            const struct cell *cell = &canvas->cells[(size_t)y * (size_t)canvas->width + (size_t)x];
            for (size_t i = 0; cell->width > 0 && i < CELL_CHARS && cell->chars[i] != 0; i++) {
                length += utf8_encode(cell->chars[i], text + length);
            }
            if (cell->width > 0 && cell->chars[0] != ' ') {
                line = length;
            }
        }
        length = line;
        text[length++] = '\n';
    }
    text[length] = '\0';
    return text;
}
