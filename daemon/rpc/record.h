/*
 * record: of what a call was asked the audit keeps a part: enough to see what was meant, so many
 * bytes, and no secret. Any thread.
 */
#ifndef RPC_RECORD_H
#define RPC_RECORD_H

#include <json-c/json_types.h>
#include <stdbool.h>

/* Of all values of a call together; one that finds no room is "…". */
enum { RECORD_VALUES = 1024 };

/* A JSON object of the parameters, which a table has taken; the caller frees. NULL: there is
 * nothing to keep. */
char *record_make(struct json_object *params);

/* Whether parameters that are called so are secrets, which are never kept. */
bool record_is_secret(const char *name);

#endif
