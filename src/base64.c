/*
 * base64: three bytes are four digits. Each reading and writing reserves its room in the caller's
 * buffer once; there is no state.
 */
#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(struct buffer *out, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    char *place = buffer_reserve(out, (size + 2) / 3 * 4);
    if (place == NULL) {
        return;
    }
    out->length += (size + 2) / 3 * 4;
    for (; size >= 3; size -= 3, byte += 3) {
        *place++ = digits[byte[0] >> 2];
        *place++ = digits[(byte[0] & 0x03) << 4 | byte[1] >> 4];
        *place++ = digits[(byte[1] & 0x0f) << 2 | byte[2] >> 6];
        *place++ = digits[byte[2] & 0x3f];
    }
    if (size > 0) {
        unsigned second = size == 2 ? byte[1] : 0;
        *place++ = digits[byte[0] >> 2];
        *place++ = digits[(byte[0] & 0x03) << 4 | second >> 4];
        *place++ = (char)(size == 2 ? digits[(second & 0x0f) << 2] : '=');
        *place++ = '=';
    }
}

static int digit_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Four digits of which the last `padding` are '='; what the bytes leave over must be 0, so that
 * there is one text for any bytes. */
static bool group_read(const char *text, unsigned padding, unsigned char ret_bytes[static 3])
{
    unsigned group = 0;
    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - padding ? digit_value(text[i]) : 0;
        if (value < 0) {
            return false;
        }
        group = group << 6 | (unsigned)value;
    }
    ret_bytes[0] = (unsigned char)(group >> 16);
    ret_bytes[1] = (unsigned char)(group >> 8);
    ret_bytes[2] = (unsigned char)group;
    return (padding < 1 || ret_bytes[2] == 0) && (padding < 2 || ret_bytes[1] == 0);
}

bool base64_read(struct buffer *out, const char *text, size_t length)
{
    unsigned padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=') {
        padding++;
    }
    char *place = length % 4 == 0 ? buffer_reserve(out, length / 4 * 3) : NULL;
    if (place == NULL) {
        return false;
    }
    for (size_t at = 0; at < length; at += 4, place += 3) {
        unsigned char bytes[3];
        if (!group_read(text + at, at + 4 == length ? padding : 0, bytes)) {
            return false;
        }
        memcpy(place, bytes, sizeof bytes);
    }
    out->length += length / 4 * 3 - padding;
    return true;
}
