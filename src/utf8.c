/*
 * utf8: sequences are judged by their first byte, which bounds the second (no overlong forms, no
 * surrogates). No state.
 */
#include "utf8.h"

#include <string.h>

size_t utf8_length(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char lead = bytes[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || length > size) {
        return 0;
    }
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (lead == 0xE0) {
        low = 0xA0;
    } else if (lead == 0xED) {
        high = 0x9F;
    } else if (lead == 0xF0) {
        low = 0x90;
    } else if (lead == 0xF4) {
        high = 0x8F;
    }
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] < low || bytes[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

size_t utf8_decode(const char *text, uint32_t *ret_character)
{
    size_t length = utf8_length(text, strnlen(text, UTF8_MAX - 1) + 1);
    if (length == 0) {
        return 0;
    }
    uint32_t character = (unsigned char)text[0];
    if (length > 1) {
        character &= 0xFFU >> (length + 1);
    }
    for (size_t i = 1; i < length; i++) {
        character = (character << 6) | ((unsigned char)text[i] & 0x3FU);
    }
    *ret_character = character;
    return length;
}

size_t utf8_encode(uint32_t character, char *ret_bytes)
{
    if (character < 0x80) {
        ret_bytes[0] = (char)character;
        return 1;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        ret_bytes[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    ret_bytes[0] = (char)((0xF00U >> length) | character);
    return length;
}
