/*
 * jsonrpc_batch: where an array's entries begin and end, told by brackets, quotes and commas alone.
 *
 * The line belongs to the caller, and is cut in place: the comma or bracket behind each entry
 * becomes its zero byte. Any thread, one at a time for each line.
 */
#include "jsonrpc.h"

#include <string.h>

static const char space[] = " \t\r\n";

bool jsonrpc_is_batch(const char *line)
{
    return line[strspn(line, space)] == '[';
}

/* The comma or the bracket that ends the entry at `text`, or its zero byte. */
static char *end_of_value(char *text)
{
    unsigned depth = 0;
    char *at = text;
    for (;; at++) {
        at += strcspn(at, "\"[]{},");
        if (*at == '"') {
            at++;
            while (*at != '"' && *at != '\0') {
                at += *at == '\\' && at[1] != '\0' ? 2 : 1;
            }
        }
        if (*at == '\0' || (depth == 0 && strchr("]},", *at) != NULL)) {
            return at;
        }
        depth += *at == '[' || *at == '{';
        depth -= *at == ']' || *at == '}';
    }
}

static bool cut_short(struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_PARSE, "not JSON: a batch that does not end in ']'");
}

bool jsonrpc_cut(char *line, struct jsonrpc_batch *ret_batch, struct lodge_error *err)
{
    size_t count = 0;
    char *at = line + strspn(line, space) + 1;
    at += strspn(at, space);
    if (*at == ']') {
        at++;
    } else {
        for (char ended = ','; ended == ','; at++, count++) {
            char *end = end_of_value(at);
            ended = *end;
            if (ended != ',' && ended != ']') {
                return cut_short(err);
            }
            *end = '\0';
            if (count < JSONRPC_BATCH) {
                ret_batch->entries[count] = at;
                ret_batch->lengths[count] = (size_t)(end - at);
            }
            at = end;
        }
    }
    if (at[strspn(at, space)] != '\0') {
        return cut_short(err);
    }
    ret_batch->count = count;
    return (count > 0 && count <= JSONRPC_BATCH) ||
           lodge_fail(err, LODGE_ERROR_REQUEST, "a batch has 1 to %d entries, not %zu",
                      JSONRPC_BATCH, count);
}
