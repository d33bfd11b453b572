/* compare: rows, domains and volumes side by side, as they are now. The answer comes once, on the
 * loop, as JSON text that is borrowed for the call; `strays` are the volumes that nobody has. */
#ifndef OPS_COMPARE_H
#define OPS_COMPARE_H

#include "buffer.h"
#include "ops/ops.h"

typedef void compare_fn(void *data, const struct buffer *json, size_t strays);
void compare_now(struct ops *ops, compare_fn *answer, void *data);

/* What orphan.delete may be asked for: a domain with our mark and no row anywhere, or a volume of
 * our naming that neither a row nor a domain has. NOT_FOUND, CONFLICT. Fills `plan` for a volume.
 */
bool compare_find_orphan(struct ops *ops, const char *host, const char *uuid, const char *path,
                         struct plan *plan, char ret_uuid[static 37], struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
