/* later: a vm.stop that must wait for another to end, and what is asked for and refused at once.
 * Loop only. */
#include "ops/op.h"

#include "memory.h"
#include "refusals.h"
#include "scope.h"

#include <stdlib.h>

/* A vm.stop of a run that began after the one which another vm.stop is about: that one ends at
 * once, and this is asked again then. */
struct later {
    struct later *next;
    ops_ask_fn *ask_again;
    struct op_ask ask;
    struct plan plan;
    char *host, *uuid, *request_id, *request_hash, *asked;
};

void ops_put_off(struct op *stop, struct op_ask *ask, ops_ask_fn *ask_again)
{
    struct later *later = xcalloc(1, sizeof *later);
    later->ask_again = ask_again;
    later->ask = *ask;
    later->ask.host = later->host = xstrdup(ask->host);
    later->ask.uuid = later->uuid = xstrdup(ask->uuid);
    later->ask.request_id = later->request_id = xstrdup_or_null(ask->request_id);
    later->ask.request_hash = later->request_hash = xstrdup_or_null(ask->request_hash);
    later->ask.asked = later->asked = xstrdup_or_null(ask->asked);
    later->plan = *ask->plan;
    plan_init(ask->plan);
    later->next = stop->later;
    stop->later = later;
}

void ops_ask_later(struct ops *ops, struct later *later)
{
    const struct lodge_error leaving = {.kind = LODGE_ERROR_CANCELLED, .message = REFUSED_STOPPING};
    for (struct later *next; later != NULL; later = next) {
        next = later->next;
        later->ask.plan = &later->plan;
        if (ops->fleet->closing) {
            op_refuse(&later->ask, &leaving);
        } else {
            later->ask_again(ops, &later->ask);
        }
        free(later->host);
        free(later->uuid);
        free(later->request_id);
        free(later->request_hash);
        free(later->asked);
        free(later);
    }
}
