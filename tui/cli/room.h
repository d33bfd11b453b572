/* room: what the library and a host's pool say of the disks that are asked for. What they do not
 * say, or where they cannot be asked, is nothing to tell. One thread. */
#ifndef TUI_CLI_ROOM_H
#define TUI_CLI_ROOM_H

#include "cli/command.h"

#include <json-c/json.h>

/* How large a disk must be to hold that image of the library; LODGE_UNKNOWN. */
int64_t room_for_image(struct lodge_client *client, const char *image);

/* Says on standard error if `disks` (of vm.create; NULL: none) are more than the pool has free in
 * which lodge makes those of `host` (NULL: the usual one). False where that is not known. */
bool room_weigh(struct lodge_client *client, const char *host, struct json_object *disks,
                const char *subject);

#endif
