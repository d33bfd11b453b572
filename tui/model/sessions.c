/* sessions: who looks at which screen, oldest first. */
#include "contract/contract.h"
#include "memory.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

static size_t place_of_session(const struct model *model, int64_t session)
{
    size_t at = 0;
    while (at < model->session_count && model->sessions[at].session != session) {
        at++;
    }
    return at;
}

static void take_session_out(struct model *model, size_t at)
{
    fields_clear(lodge_session_fields, &model->sessions[at]);
    model->session_count--;
    memmove(model->sessions + at, model->sessions + at + 1,
            (model->session_count - at) * sizeof *model->sessions);
}

void model_apply_session(struct model *model, const struct lodge_event *event)
{
    size_t at = place_of_session(model, event->session.session);
    bool known = at < model->session_count;
    model->facts++;
    if (event->type == LODGE_EVENT_REMOVED) {
        if (known) {
            take_session_out(model, at);
        }
        return;
    }
    if (known) {
        fields_clear(lodge_session_fields, &model->sessions[at]);
    } else {
        (void)ARRAY_GROW(model->sessions, model->session_count);
    }
    if (!fields_copy(lodge_session_fields, &model->sessions[at], &event->session)) {
        abort(); /* out of memory */
    }
}

const struct lodge_session *model_find_session(const struct model *model, int64_t session)
{
    size_t at = place_of_session(model, session);
    return at < model->session_count ? &model->sessions[at] : NULL;
}

void model_forget_sessions(struct model *model)
{
    while (model->session_count > 0) {
        take_session_out(model, model->session_count - 1);
    }
    free(model->sessions);
    model->sessions = NULL;
}
