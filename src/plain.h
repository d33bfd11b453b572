/*
 * plain: what a name or a word may be made of, for all that is stored and passed on.
 *
 * Plain text is UTF-8 in which each character is seen: no control characters, nothing without a
 * width, nothing that turns a line round. What comes from elsewhere may have all of these, and is
 * shown with them made visible (text.h for a terminal, json_print() of the verbs, the log). Any
 * thread.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* A control character (C0, DEL, C1), or one that is not seen but changes what is. */
bool character_is_hidden(uint32_t character);

bool text_is_plain(const char *text);

/* The same, and without blanks and commas; not empty. */
bool text_is_word(const char *text);

/* Appends `text` with what is hidden or no UTF-8 as "\n", "\x1b", "\u202e", "\xff". */
void buffer_add_visible(struct buffer *buffer, const char *text);

/* Appends a text that is JSON, or XML, with what is hidden in its strings escaped as that language
 * has it, so that it says what it said. What is below U+0020 is its layout, and stays. */
void buffer_add_safe_json(struct buffer *buffer, const char *json);
void buffer_add_safe_xml(struct buffer *buffer, const char *xml);

#endif
