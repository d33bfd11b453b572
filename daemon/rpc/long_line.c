/* long_line: what is short is parsed in one go by its owner's parser, what is long by one of its
 * own that keeps its state from piece to piece. Loop-only. */
#include "rpc/long_line.h"

#include "memory.h"

#include <assert.h>
#include <stdlib.h>

enum { SHORT = 16 * 1024, PIECE = 4096 };

struct long_line {
    struct jsonrpc_parser *parser; /* NULL: another of the user's is being parsed */
    char *copy;                    /* or NULL */
    const char *text;
    size_t length;
    size_t at; /* so much has been parsed */
};

bool long_line_is_short(size_t length)
{
    return length <= SHORT;
}

struct json_object *long_line_parse_short(struct connection *connection, const char *text,
                                          size_t length, struct lodge_error *err)
{
    struct json_object *json = NULL;
    bool ended = jsonrpc_feed(connection->owner->parser, text, length, 0, length, &json, err);
    assert(ended);
    return ended ? json : NULL;
}

bool long_line_is_open(const struct connection *connection)
{
    return connection->line != NULL;
}

void long_line_begin(struct connection *connection, const char *text, size_t length, bool copied)
{
    struct long_line *line = xcalloc(1, sizeof *line);
    line->copy = copied ? xstrdup(text) : NULL;
    line->text = copied ? line->copy : text;
    line->length = length;
    connection->line = line;
}

void long_line_free(struct connection *connection)
{
    struct long_line *line = connection->line;
    if (line == NULL) {
        return;
    }
    connection->line = NULL;
    if (line->parser != NULL) {
        jsonrpc_parser_free(line->parser);
        account_give_long(&connection->place);
    }
    free(line->copy);
    free(line);
}

bool long_line_parse(struct connection *connection, struct json_object **ret_json,
                     size_t *ret_length, struct lodge_error *err)
{
    struct long_line *line = connection->line;
    *ret_length = line->length;
    if (line->parser == NULL) {
        if (!account_take_long(&connection->place)) {
            return false;
        }
        line->parser = jsonrpc_parser_new(JSONRPC_VALUES);
    }
    bool ended = false;
    do {
        size_t left = line->length - line->at;
        size_t piece = left < PIECE ? left : PIECE;
        ended =
            jsonrpc_feed(line->parser, line->text, line->length, line->at, piece, ret_json, err);
        line->at += piece;
    } while (!ended && !account_is_over(connection->place.account));
    if (ended) {
        long_line_free(connection);
    } else {
        account_wait(&connection->place);
    }
    return ended;
}
