/* postponed: a vm.stop that must wait for another to end: it is kept with that one, and asked again
 * then. Loop-only. */
#include "ops/op.h"

#include "memory.h"
#include "refusals.h"
#include "scope.h"

#include <stdlib.h>

/* A vm.stop of a run that began after the one which another vm.stop is about: that one ends at
 * once, and this is asked again then. */
struct postponed {
    struct postponed *next;
    ops_ask_fn *ask_again;
    struct op_ask ask;
    struct plan plan;
    char *host, *uuid, *request_id, *request_hash, *asked;
};

void ops_postpone(struct op *stop, struct op_ask *ask, ops_ask_fn *ask_again)
{
    struct postponed *postponed = xcalloc(1, sizeof *postponed);
    postponed->ask_again = ask_again;
    postponed->ask = *ask;
    postponed->ask.host = postponed->host = xstrdup(ask->host);
    postponed->ask.uuid = postponed->uuid = xstrdup(ask->uuid);
    postponed->ask.request_id = postponed->request_id = xstrdup_or_null(ask->request_id);
    postponed->ask.request_hash = postponed->request_hash = xstrdup_or_null(ask->request_hash);
    postponed->ask.asked = postponed->asked = xstrdup_or_null(ask->asked);
    postponed->plan = *ask->plan;
    plan_init(ask->plan);
    postponed->next = stop->postponed;
    stop->postponed = postponed;
}

void ops_ask_postponed(struct ops *ops, struct postponed *postponed)
{
    const struct lodge_error leaving = {.kind = LODGE_ERROR_CANCELLED, .message = REFUSED_STOPPING};
    for (struct postponed *next; postponed != NULL; postponed = next) {
        next = postponed->next;
        postponed->ask.plan = &postponed->plan;
        if (ops->fleet->closing) {
            op_refuse(&postponed->ask, &leaving);
        } else {
            postponed->ask_again(ops, &postponed->ask);
        }
        free(postponed->host);
        free(postponed->uuid);
        free(postponed->request_id);
        free(postponed->request_hash);
        free(postponed->asked);
        free(postponed);
    }
}
