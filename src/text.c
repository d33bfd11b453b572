/* text: characters as mbrtowc() and wcwidth() see them; the mark of a cut is '~', one cell in every
 * locale and font, which the ellipsis character is not. */
#include "text.h"

#include "plain.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

struct glyph {
    size_t bytes;
    wchar_t code; /* of a character */
    bool is_character;
    size_t cells;
};

/* The character, or the byte that is none, at the start of a text that is not empty. */
static struct glyph glyph_at(const char *text)
{
    mbstate_t state = {0};
    wchar_t code = 0;
    size_t bytes = mbrtowc(&code, text, strnlen(text, MB_CUR_MAX), &state);
    if (bytes == 0 || bytes > MB_CUR_MAX) {
        return (struct glyph){.bytes = 1, .cells = 1};
    }
    int width = wcwidth(code);
    return (struct glyph){.bytes = bytes,
                          .code = code,
                          .is_character = width >= 0,
                          .cells = width >= 0 ? (size_t)width : 1};
}

char *text_visible(const char *text)
{
    enum { LONGEST_ESCAPE = 4 }; /* per byte: "\xff" of one, "\u202e" of two or more */
    size_t length = strlen(text);
    char *out = malloc(length * LONGEST_ESCAPE + 1);
    if (out == NULL) {
        return NULL;
    }
    char *end = out;
    for (const char *at = text; *at != '\0';) {
        struct glyph glyph = glyph_at(at);
        if (glyph.is_character && !character_is_hidden((uint32_t)glyph.code)) {
            end = mempcpy(end, at, glyph.bytes);
        } else if (glyph.is_character) {
            end += snprintf(end, sizeof "\\U000e0001", glyph.code < 0x10000 ? "\\u%04x" : "\\U%08x",
                            (unsigned)glyph.code);
        } else {
            for (size_t i = 0; i < glyph.bytes; i++) {
                end += snprintf(end, sizeof "\\xff", "\\x%02x", (unsigned char)at[i]);
            }
        }
        at += glyph.bytes;
    }
    *end = '\0';
    char *fitting = realloc(out, (size_t)(end - out) + 1);
    return fitting != NULL ? fitting : out;
}

size_t text_width(const char *text)
{
    size_t cells = 0;
    for (const char *at = text; *at != '\0';) {
        struct glyph glyph = glyph_at(at);
        cells += glyph.cells;
        at += glyph.bytes;
    }
    return cells;
}

/* Where the part of `text` that fits into `cells` ends, with the combining characters after it. */
static const char *head_end(const char *text, size_t cells, size_t *ret_cells)
{
    size_t used = 0;
    while (*text != '\0') {
        struct glyph glyph = glyph_at(text);
        if (used + glyph.cells > cells) {
            break;
        }
        used += glyph.cells;
        text += glyph.bytes;
    }
    *ret_cells = used;
    return text;
}

size_t text_head(const char *text, size_t cells)
{
    size_t used = 0;
    return (size_t)(head_end(text, cells, &used) - text);
}

/* Where the part of `text` that fits into the last `cells` starts, with `width` its whole width. */
static const char *tail_start(const char *text, size_t width, size_t cells, size_t *ret_cells)
{
    size_t left = width;
    while (*text != '\0') {
        struct glyph glyph = glyph_at(text);
        if (left <= cells && glyph.cells > 0) {
            break;
        }
        left -= glyph.cells;
        text += glyph.bytes;
    }
    *ret_cells = left;
    return text;
}

/* Appends whole characters of text[0..length) as far as they fit. */
static void append_bytes(char *out, size_t size, size_t *used, const char *text, size_t length)
{
    for (const char *at = text; at < text + length;) {
        size_t bytes = glyph_at(at).bytes;
        if (*used + bytes >= size) {
            break;
        }
        memcpy(out + *used, at, bytes);
        *used += bytes;
        at += bytes;
    }
    out[*used] = '\0';
}

size_t text_fit(char *out, size_t size, const char *text, size_t cells, enum text_cut cut)
{
    size_t used = 0;
    size_t width = text_width(text);
    out[0] = '\0';
    if (width <= cells) {
        append_bytes(out, size, &used, text, strlen(text));
        return width;
    }
    if (cells == 0) {
        return 0;
    }
    size_t room = cells - 1;
    size_t head_room = cut == TEXT_CUT_END ? room : (room * 3 + 4) / 5;
    size_t head_cells = 0;
    size_t tail_cells = 0;
    const char *head = head_end(text, head_room, &head_cells);
    append_bytes(out, size, &used, text, (size_t)(head - text));
    append_bytes(out, size, &used, "~", 1);
    if (cut == TEXT_CUT_MIDDLE) {
        const char *tail = tail_start(text, width, room - head_room, &tail_cells);
        append_bytes(out, size, &used, tail, strlen(tail));
    }
    return head_cells + 1 + tail_cells;
}
