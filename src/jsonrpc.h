/*
 * jsonrpc: JSON-RPC 2.0 envelopes, as the daemon reads and writes them.
 *
 * Any thread, one at a time for each parser.
 */
#ifndef JSONRPC_H
#define JSONRPC_H

#include "buffer.h"
#include "lodge/error.h"

#include <json-c/json_types.h>

enum { JSONRPC_DEPTH = 32, JSONRPC_VALUES = 20000, JSONRPC_BATCH = 64, JSONRPC_ID = 16 * 1024 };

/* Reuses json-c's tokener: making one for each message costs more than parsing a small one. */
struct jsonrpc_parser;

/* `most_values` is what a line may hold, names of members not counted; 0: as many as there are. */
struct jsonrpc_parser *jsonrpc_parser_new(size_t most_values);
void jsonrpc_parser_free(struct jsonrpc_parser *parser); /* NULL is fine */

/* Looks over a whole line before anything is built of it: UTF-8, nested to JSONRPC_DEPTH, and what
 * json-c would take though RFC 8259 does not; PARSE. Too many values are REQUEST. */
bool jsonrpc_look_over(const struct jsonrpc_parser *parser, const char *line, size_t length,
                       struct lodge_error *err) LODGE_MUST_CHECK;

/* Parses one whole line: strict JSON, looked over first. `line[length]` is a zero byte. The caller
 * puts the result. NULL with kind PARSE; the JSON value `null` is a failure too, since it is no
 * request (REQUEST). */
struct json_object *jsonrpc_parse(struct jsonrpc_parser *parser, const char *line, size_t length,
                                  struct lodge_error *err);

/* The same in pieces, for a line that was looked over, and a parser that does nothing else
 * meanwhile: parses `piece` bytes from `at` on. True when that was the end: then as
 * jsonrpc_parse(). */
bool jsonrpc_feed(struct jsonrpc_parser *parser, const char *line, size_t length, size_t at,
                  size_t piece, struct json_object **ret_json, struct lodge_error *err)
    LODGE_MUST_CHECK;

struct jsonrpc_request {
    struct json_object *id;     /* borrowed; NULL when there is none, or when it is null */
    bool wants_answer;          /* false: a notification */
    const char *method;         /* borrowed */
    struct json_object *params; /* borrowed; NULL when there are none */
};

/* Checks one request object (JSON-RPC 2.0, section 4). On failure the kind is REQUEST, and `id` is
 * what the error is to carry. */
bool jsonrpc_read_request(struct json_object *json, struct jsonrpc_request *ret_request,
                          struct lodge_error *err) LODGE_MUST_CHECK;

/* A line that is an array, cut into its entries where it lies: each is parsed when its turn comes,
 * so that no more than one is in memory as a tree. */
struct jsonrpc_batch {
    char *entries[JSONRPC_BATCH]; /* in the line, each ended by a zero byte */
    size_t lengths[JSONRPC_BATCH];
    size_t count;
};

/* Whether a line is an array, if it is JSON at all. */
bool jsonrpc_is_batch(const char *line);

/* Cuts `line`, which was looked over, is changed by it and must live as long. PARSE when it is no
 * array; REQUEST when it has no entry, or more than JSONRPC_BATCH. Whether the entries are JSON is
 * not known then. */
bool jsonrpc_cut(char *line, struct jsonrpc_batch *ret_batch, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* A request that its text alone tells: a method and an id, in plain ASCII, and no parameters. */
struct jsonrpc_plain {
    char method[48];
    char id[48]; /* as JSON text */
};

/* False when the line is anything else, sound or not: then jsonrpc_parse() has to look. */
bool jsonrpc_read_plain(const char *line, size_t length, struct jsonrpc_plain *ret_plain);

/* {"jsonrpc":"2.0","id":ID,"result":RESULT}, both given as JSON text. */
void jsonrpc_write_result(struct buffer *buffer, const char *id, const struct buffer *result);

/* {"jsonrpc":"2.0","id":ID,"error":{code, message, data}}; `id` NULL is null. */
void jsonrpc_write_error(struct buffer *buffer, const char *id, const struct lodge_error *err);

#endif
