/*
 * base64: bytes as text and back (RFC 4648 section 4: with padding, without line breaks).
 *
 * Any thread.
 */
#ifndef BASE64_H
#define BASE64_H

#include "buffer.h"

/* Adds `size` bytes as text. Running out of memory sticks in the buffer. */
void base64_write(struct buffer *out, const void *bytes, size_t size);

/* Adds the bytes that `text` stands for; false, and nothing added, when it is not what
 * base64_write() writes, or memory is out. */
bool base64_read(struct buffer *out, const char *text, size_t length);

#endif
