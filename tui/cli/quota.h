/* quota: what limits are called on the command line. One thread. */
#ifndef TUI_CLI_QUOTA_H
#define TUI_CLI_QUOTA_H

#include <json-c/json.h>

/* "memory=4G" for the contract's memory_mib and 4096, as `lodge quota set` takes it; NULL is no
 * limit. The caller frees. */
char *quota_limit_text(const char *member, struct json_object *limit);

#endif
