/*
 * compare: rows, domains and volumes side by side, as they are now. The answer comes once, on the
 * loop, and is borrowed for the call. Who asks while one is made shares the next.
 */
#ifndef READS_COMPARE_H
#define READS_COMPARE_H

#include "buffer.h"
#include "ops/ops.h"

struct compared {
    struct buffer json;
    size_t stray_count; /* volumes that nobody has */
};

/* NULL with the error: CANCELLED when lodged leaves. A host that does not list its volumes within
 * 10 s is named in the answer. */
typedef void compare_fn(void *data, const struct compared *compared,
                        const struct lodge_error *error);
void compare_now(struct ops *ops, compare_fn *answer, void *data);

/* For reads.comparings. */
struct rounds_kind;
extern const struct rounds_kind compare_rounds;

/* What orphan.delete may be asked for: a domain with our mark and no row anywhere, or a volume of
 * our naming that neither a row nor a domain has. NOT_FOUND, CONFLICT. Fills `plan` for a volume.
 */
bool compare_find_orphan(struct ops *ops, const char *host, const char *uuid, const char *path,
                         struct plan *plan, char ret_uuid[static 37], struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
