/* jsonrpc_plain.c: requests that need no tree: a method, an id, and no parameters.
 *
 * json-c makes a locale for each text that it parses and a node for each value in it: that costs a
 * ping more than its way through the socket. Whatever is not plain is left to it. */
#include "jsonrpc.h"

#include <string.h>

enum member { MEMBER_JSONRPC = 1, MEMBER_METHOD = 2, MEMBER_ID = 4, MEMBER_PARAMS = 8 };

struct cursor {
    const char *at;
    const char *end;
};

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t')) {
        cursor->at++;
    }
}

static bool take_plain(struct cursor *cursor, char byte)
{
    skip_space(cursor);
    bool there = cursor->at < cursor->end && *cursor->at == byte;
    cursor->at += there;
    return there;
}

/* Printable ASCII in quotes, without any backslash: its own text is its value. */
static bool take_string(struct cursor *cursor, const char **ret_text, size_t *ret_length)
{
    if (!take_plain(cursor, '"')) {
        return false;
    }
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= ' ' && *cursor->at < 0x7F &&
           *cursor->at != '"' && *cursor->at != '\\') {
        cursor->at++;
    }
    *ret_text = start;
    *ret_length = (size_t)(cursor->at - start);
    return cursor->at < cursor->end && *cursor->at++ == '"';
}

static bool copy(char *room, size_t size, const char *text, size_t length)
{
    if (length >= size) {
        return false;
    }
    memcpy(room, text, length);
    room[length] = '\0';
    return true;
}

/* A string, or an integer of at most 18 digits, which fits. */
static bool take_id(struct cursor *cursor, struct jsonrpc_plain *plain)
{
    const char *text;
    size_t length;
    skip_space(cursor);
    const char *start = cursor->at;
    if (start < cursor->end && *start == '"') {
        return take_string(cursor, &text, &length) &&
               copy(plain->id, sizeof plain->id, start, length + 2);
    }
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        cursor->at++;
    }
    length = (size_t)(cursor->at - start);
    bool whole = length > 0 && length <= 18 && (*start != '0' || length == 1);
    return whole && copy(plain->id, sizeof plain->id, start, length);
}

static bool take_member(struct cursor *cursor, struct jsonrpc_plain *plain, unsigned *seen)
{
    const char *key;
    const char *text;
    size_t key_length;
    size_t length;
    unsigned member = 0;
    bool ok = false;
    if (!take_string(cursor, &key, &key_length) || !take_plain(cursor, ':')) {
        return false;
    }
    if (key_length == 7 && memcmp(key, "jsonrpc", 7) == 0) {
        member = MEMBER_JSONRPC;
        ok = take_string(cursor, &text, &length) && length == 3 && memcmp(text, "2.0", 3) == 0;
    } else if (key_length == 6 && memcmp(key, "method", 6) == 0) {
        member = MEMBER_METHOD;
        ok = take_string(cursor, &text, &length) &&
             copy(plain->method, sizeof plain->method, text, length);
    } else if (key_length == 2 && memcmp(key, "id", 2) == 0) {
        member = MEMBER_ID;
        ok = take_id(cursor, plain);
    } else if (key_length == 6 && memcmp(key, "params", 6) == 0) {
        member = MEMBER_PARAMS;
        ok = take_plain(cursor, '{') && take_plain(cursor, '}');
    }
    ok = ok && (*seen & member) == 0;
    *seen |= member;
    return ok;
}

bool jsonrpc_read_plain(const char *line, size_t length, struct jsonrpc_plain *ret_plain)
{
    struct cursor cursor = {line, line + length};
    unsigned seen = 0;
    if (!take_plain(&cursor, '{')) {
        return false;
    }
    do {
        if (!take_member(&cursor, ret_plain, &seen)) {
            return false;
        }
    } while (take_plain(&cursor, ','));
    if (!take_plain(&cursor, '}')) {
        return false;
    }
    skip_space(&cursor);
    unsigned needed = MEMBER_JSONRPC | MEMBER_METHOD | MEMBER_ID;
    return cursor.at == cursor.end && (seen & needed) == needed;
}
