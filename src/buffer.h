/*
 * buffer: bytes that grow at the end, and JSON written straight into them.
 *
 * Why not json-c for writing: a list of 1,000 VMs is joined from fragments in under a millisecond,
 * which is a memcpy here and a tree walk there. Reading JSON is json-c's everywhere. Running out of
 * memory sticks (`failed`), so that a writer is checked once, at its end. Any thread, one at a
 * time.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include "scope.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data; /* not NUL-terminated unless buffer_text() was called */
    size_t length;
    size_t capacity;
    bool failed;
};

void buffer_free(struct buffer *buffer); /* empties it; the struct is the caller's */
DEFINE_AUTO_STRUCT(struct buffer, buffer_free);
void buffer_clear(struct buffer *buffer); /* length 0, memory kept */

/* Room for `size` more bytes at data + length; NULL when memory is out. */
char *buffer_reserve(struct buffer *buffer, size_t size);

void buffer_add(struct buffer *buffer, const void *bytes, size_t size);
void buffer_add_char(struct buffer *buffer, char byte);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The bytes as a C string (a NUL is put after them), or NULL when something failed. */
const char *buffer_text(struct buffer *buffer);

/* The bytes as a C string that the caller frees; the buffer is empty. NULL when something failed.
 */
char *buffer_take(struct buffer *buffer);

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void buffer_add_json_string(struct buffer *buffer, const char *text);
void buffer_add_json_string_n(struct buffer *buffer, const char *text, size_t size);

/* As part of an address: what RFC 3986 (2.3) reserves for nothing stays, as does what is in `more`;
 * all else is escaped byte by byte. */
void buffer_add_encoded(struct buffer *buffer, const char *text, const char *more);

void buffer_add_json_int(struct buffer *buffer, int64_t value);

/* With at most `decimals` decimals; what JSON cannot say (NAN, infinities) is null. */
void buffer_add_json_number(struct buffer *buffer, double value, int decimals);

/* "2026-11-23T18:14:00.000Z" for ms since 1970 (RFC 3339, three decimals, UTC); null for years
 * that it has no digits for. */
void buffer_add_json_time(struct buffer *buffer, int64_t time_ms);

#endif
