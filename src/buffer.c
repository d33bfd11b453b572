/*
 * buffer: one block that grows by half, and what is written into it: text, JSON, parts of
 * addresses. Numbers and times are written here so that no locale has a say in them. The buffer
 * owns its block until it is freed or taken.
 */
#include "buffer.h"

#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

char *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed) {
        return NULL;
    }
    /* Room for nothing is a place too: NULL would say that memory is out. */
    if (buffer->data == NULL || buffer->capacity - buffer->length < size) {
        size_t capacity = buffer->capacity < 128 ? 128 : buffer->capacity;
        while (capacity - buffer->length < size) {
            capacity += capacity / 2;
        }
        char *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t size)
{
    char *end = size == 0 ? NULL : buffer_reserve(buffer, size);
    if (end != NULL) {
        memcpy(end, bytes, size);
        buffer->length += size;
    }
}

void buffer_add_char(struct buffer *buffer, char byte)
{
    buffer_add(buffer, &byte, 1);
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_format(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *end = length < 0 ? NULL : buffer_reserve(buffer, (size_t)length + 1);
    if (end != NULL) {
        vsnprintf(end, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

const char *buffer_text(struct buffer *buffer)
{
    char *end = buffer_reserve(buffer, 1);
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return buffer->data;
}

char *buffer_take(struct buffer *buffer)
{
    if (buffer_text(buffer) == NULL) {
        buffer_free(buffer);
        return NULL;
    }
    char *text = buffer->data;
    *buffer = (struct buffer){0};
    return text;
}

static void add_escape(struct buffer *buffer, unsigned char byte)
{
    switch (byte) {
    case '"':
        buffer_add_text(buffer, "\\\"");
        return;
    case '\\':
        buffer_add_text(buffer, "\\\\");
        return;
    case '\n':
        buffer_add_text(buffer, "\\n");
        return;
    case '\t':
        buffer_add_text(buffer, "\\t");
        return;
    default:
        buffer_add_format(buffer, "\\u%04x", byte);
    }
}

void buffer_add_json_string_n(struct buffer *buffer, const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t plain = 0; /* where what needs no escape began */
    buffer_add_char(buffer, '"');
    for (size_t i = 0; i < size;) {
        unsigned char byte = bytes[i];
        size_t length = utf8_length(text + i, size - i);
        if (length > 0 && byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F) {
            i += length;
            continue;
        }
        buffer_add(buffer, text + plain, i - plain);
        if (length == 0) {
            buffer_add_text(buffer, "\xEF\xBF\xBD");
        } else {
            add_escape(buffer, byte);
        }
        i++;
        plain = i;
    }
    buffer_add(buffer, text + plain, size - plain);
    buffer_add_char(buffer, '"');
}

void buffer_add_json_string(struct buffer *buffer, const char *text)
{
    buffer_add_json_string_n(buffer, text, strlen(text));
}

void buffer_add_json_int(struct buffer *buffer, int64_t value)
{
    char digits[24];
    char *start = digits + sizeof digits;
    uint64_t rest = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    do {
        *--start = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--start = '-';
    }
    buffer_add(buffer, start, (size_t)(digits + sizeof digits - start));
}

void buffer_add_json_number(struct buffer *buffer, double value, int decimals)
{
    if (!isfinite(value)) {
        buffer_add_text(buffer, "null");
        return;
    }
    /* The locale's decimal comma would not be JSON; whole numbers and tenths are made by hand, and
     * the programs that use this never set LC_NUMERIC. */
    char text[64];
    int length = snprintf(text, sizeof text, "%.*f", decimals, value);
    if (length < 0 || (size_t)length >= sizeof text) {
        length = snprintf(text, sizeof text, "%.15g", value);
    }
    for (int i = 0; i < length; i++) {
        if (text[i] == ',') {
            text[i] = '.';
        }
    }
    buffer_add(buffer, text, (size_t)length);
}

void buffer_add_json_time(struct buffer *buffer, int64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    int millis = (int)(time_ms % 1000);
    if (millis < 0) {
        millis += 1000;
        seconds--;
    }
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900) {
        buffer_add_text(buffer, "null");
        return;
    }
    buffer_add_format(buffer, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", utc.tm_year + 1900,
                      utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

void buffer_add_encoded(struct buffer *buffer, const char *text, const char *more)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

    for (const char *at = text; *at != '\0'; at++) {
        if (strchr(plain, *at) != NULL || strchr(more, *at) != NULL) {
            buffer_add_char(buffer, *at);
        } else {
            buffer_add_format(buffer, "%%%02X", (unsigned char)*at);
        }
    }
}
