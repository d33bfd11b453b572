/* limits: one row per resource. No state. */
#include "cli/limits.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

const struct limit limits[LIMITS] = {
    {"vms", "vms", "VMs", 0},
    {"vcpus", "cpus", "vCPUs", 0},
    {"memory_mib", "memory", "MiB", 1},
    {"disk_gib", "disk", "GiB", 1024},
};

const char *limit_amount(char text[static UNIT_TEXT], const struct limit *limit, const char *amount)
{
    if (amount == NULL || limit->mib == 0) {
        return amount;
    }
    return size_text(text, strtoll(amount, NULL, 10) * limit->mib);
}

char *limit_text(const char *member, struct json_object *limit)
{
    char size[UNIT_TEXT];
    const char *name = member;
    const char *text = limit == NULL ? "none" : json_object_get_string(limit);
    for (size_t i = 0; i < LIMITS; i++) {
        if (strcmp(limits[i].there, member) == 0) {
            name = limits[i].here;
            text = limit == NULL ? text : limit_amount(size, &limits[i], text);
        }
    }
    return xasprintf("%s=%s", name, text);
}
