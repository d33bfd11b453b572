/*
 * text: how wide a text is on a terminal, how it is cut to fit, and how it is made harmless.
 *
 * All by the locale's encoding (call setlocale(LC_ALL, "") first): in the C locale each byte above
 * 127 is one that the terminal cannot show. Widths are cells: a CJK character has two, a combining
 * one none. Bytes that are no character count, and are cut, as one cell each. Any thread.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/* A copy without anything that could move a cursor, change a colour or turn the line round:
 * control characters, what has no width or turns a line round (plain.h) and bytes that are no
 * character become "\x1b", "\u202e", "\xff". The caller frees; NULL when memory is out. */
char *text_visible(const char *text);

size_t text_width(const char *text);

/* How many bytes at its start fit into so many cells: whole characters. */
size_t text_head(const char *text, size_t cells);

/* Where the '~' of a cut text stands: a name's end often tells more than its middle. */
enum text_cut { TEXT_CUT_END, TEXT_CUT_MIDDLE };

/* Writes `text`, cut to at most `cells`, into `out` of `size` bytes (never half a character, always
 * NUL-terminated); a cut is marked by one '~'. Returns the cells used, which may be one less than
 * asked for where a wide character did not fit. */
size_t text_fit(char *out, size_t size, const char *text, size_t cells, enum text_cut cut);

#endif
