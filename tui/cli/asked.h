/* asked: what a call of the audit had asked, as it could have been typed. */
#ifndef TUI_CLI_ASKED_H
#define TUI_CLI_ASKED_H

#include <json-c/json_types.h>

/* "--cpus 2 --memory 512M"; what has no flag is NAME=VALUE. The machine, which stands elsewhere, is
 * left out. "" for NULL; the caller frees. */
char *asked_text(const char *method, struct json_object *params);

#endif
