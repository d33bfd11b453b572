/* limits: what quotas may limit, and what a limit is called on the command line. One thread. */
#ifndef TUI_CLI_LIMITS_H
#define TUI_CLI_LIMITS_H

#include "units.h"

#include <json-c/json.h>

enum { LIMITS = 4 };

/* As the contract and lodged.conf call it, and as people do. */
struct limit {
    const char *there;
    const char *here;
    const char *unit;
    int64_t mib; /* in one of the contract's units; 0: it is a count */
};

extern const struct limit limits[LIMITS];

/* An amount of one: "3", "1.5G"; NULL for NULL. */
const char *limit_amount(char text[static UNIT_TEXT], const struct limit *limit,
                         const char *amount);

/* "memory=4G" for the contract's memory_mib and 4096, as `lodge quota set` takes it; NULL is no
 * limit. The caller frees. */
char *limit_text(const char *member, struct json_object *limit);

#endif
