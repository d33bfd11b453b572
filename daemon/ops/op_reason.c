/*
 * op_reason: why an operation waits, in words: for its host, for an event until a deadline, or for
 * the next try after what went wrong. Shown as long as it waits (op.c). Loop-only.
 */
#include "lodge/host.h"
#include "memory.h"
#include "ops/op.h"
#include "scope.h"

#include <stdlib.h>
#include <time.h>

enum { TIME_TEXT = 32, MS = 1000 };

static void say_time(int64_t wall_ms, char ret_text[static TIME_TEXT])
{
    struct tm utc;
    time_t seconds = (time_t)(wall_ms / MS);
    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(ret_text, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        ret_text[0] = '\0';
    }
}

static char *host_reason(const struct op *op)
{
    const struct registry_host *host = registry_find_host(op->ops->registry, op->host_name);
    if (op->host == NULL || host == NULL) {
        return xasprintf("host '%s' is not configured any more", op->host_name);
    }
    if (host->facts.state == LODGE_HOST_UP) {
        return xasprintf("host '%s' has not been read yet", op->host_name);
    }
    return xasprintf("host '%s' is not up%s%s", op->host_name,
                     host->facts.error == NULL ? "" : ": ",
                     host->facts.error == NULL ? "" : host->facts.error);
}

static char *event_reason(const struct op *op)
{
    char until[TIME_TEXT];
    AUTO(free) char *usual = xasprintf("the guest to do what %s asked for", op->recipe->kind);
    const char *what = op_step(op)->awaits == NULL ? usual : op_step(op)->awaits;
    say_time(loop_wall_ms() + (int64_t)(op->deadline - loop_monotonic_ms()), until);
    return xasprintf("waits for %s, until %s", what, until);
}

char *op_reason_to_retry(const struct op *op)
{
    char now[TIME_TEXT];
    say_time(loop_wall_ms(), now);
    return xasprintf("%s (%s; tried again after %u s)",
                     op->error.message[0] == '\0' ? "whether it has happened is not known"
                                                  : op->error.message,
                     now, op->retry_ms / MS);
}

char *op_reason(const struct op *op)
{
    if (op->phase == OP_NEEDS_HOST) {
        return host_reason(op);
    }
    if (op->phase == OP_WAITING) {
        return event_reason(op);
    }
    return op->retry_ms == 0 ? NULL : xstrdup_or_null(op->retry_reason);
}
