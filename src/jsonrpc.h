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

enum { JSONRPC_DEPTH = 32 };

/* Reuses json-c's tokener: making one for each message costs more than parsing a small one. */
struct jsonrpc_parser;
struct jsonrpc_parser *jsonrpc_parser_new(void);
void jsonrpc_parser_free(struct jsonrpc_parser *parser); /* NULL is fine */

/* Parses one whole line: strict JSON, UTF-8, nested to JSONRPC_DEPTH. The caller puts the result.
 * NULL with kind PARSE; the JSON value `null` is a failure too, since it is no request. */
struct json_object *jsonrpc_parse(struct jsonrpc_parser *parser, const char *line, size_t length,
                                  struct lodge_error *err);

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
