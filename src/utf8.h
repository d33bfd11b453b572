/* utf8: characters and the bytes they are sent as (RFC 3629). Any thread. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The most bytes that one character takes. */
enum { UTF8_MAX = 4 };

/* The length of the sequence at `text`, which has `size` > 0 bytes; 0 if it is none: no overlong
 * forms, no surrogates, nothing past U+10FFFF. */
size_t utf8_length(const char *text, size_t size);

/* The character at the start of `text`, which ends in a zero byte, and the bytes it takes. What is
 * not UTF-8 is 0 bytes, and then nothing is returned. */
size_t utf8_decode(const char *text, uint32_t *ret_character);

/* Writes at most UTF8_MAX bytes, no zero behind them, and returns how many. `character` is not past
 * U+10FFFF. */
size_t utf8_encode(uint32_t character, char *ret_bytes);

#endif
