/* chronicle_sessions: who looks at a screen is told when they come in and when it is over. */
#include "cli/chronicle_private.h"
#include "contract/contract.h"
#include "memory.h"
#include "scope.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct known_session *find_known_session(const struct chronicle *chronicle, int64_t number)
{
    for (size_t i = 0; i < chronicle->session_count; i++) {
        if (chronicle->sessions[i].facts.session == number) {
            return &chronicle->sessions[i];
        }
    }
    return NULL;
}

static struct known_session *add_session(struct chronicle *chronicle)
{
    struct known_session *known = ARRAY_GROW(chronicle->sessions, chronicle->session_count);
    *known = (struct known_session){.is_said = false};
    fields_init(lodge_session_fields, &known->facts);
    return known;
}

static void remove_session(struct chronicle *chronicle, struct known_session *known)
{
    fields_clear(lodge_session_fields, &known->facts);
    *known = chronicle->sessions[--chronicle->session_count];
}

static void say_opened(struct chronicle *chronicle, const struct lodge_session *session)
{
    AUTO(free) char *label = chronicle_label(chronicle, session->host, session->vm);
    chronicle_say(chronicle, "%s  screen opened by %s%s%s%s (session %" PRId64 ")", label,
                  session->user == NULL ? "?" : session->user,
                  session->peer == NULL ? "" : " from ", session->peer == NULL ? "" : session->peer,
                  session->mode == LODGE_SESSION_RO ? ", who only looks" : "", session->session);
}

/* One whose ticket nobody has shown was not open. */
static void say_closed(struct chronicle *chronicle, const struct known_session *known,
                       const char *reason)
{
    char span[UNIT_TEXT];
    const struct lodge_session *session = &known->facts;
    int64_t seconds =
        session->started_at == 0 ? LODGE_UNKNOWN : (chronicle->now_ms - session->started_at) / 1000;
    if (!known->is_said) {
        return;
    }
    AUTO(free) char *label = chronicle_label(chronicle, session->host, session->vm);
    chronicle_say(chronicle, "%s  screen of %s closed (session %" PRId64 ", %s): %s", label,
                  session->user == NULL ? "?" : session->user, session->session,
                  duration_text(span, seconds), reason == NULL ? "it is not told why" : reason);
}

void chronicle_hear_session(struct chronicle *chronicle, const struct lodge_session *session,
                            enum lodge_event_type type)
{
    struct known_session *known = find_known_session(chronicle, session->session);
    if (type == LODGE_EVENT_REMOVED) {
        if (known != NULL) {
            say_closed(chronicle, known, session->reason);
            remove_session(chronicle, known);
        }
        return;
    }
    known = known == NULL ? add_session(chronicle) : known;
    fields_clear(lodge_session_fields, &known->facts);
    if (!fields_copy(lodge_session_fields, &known->facts, session)) {
        abort(); /* out of memory */
    }
    known->telling = chronicle->telling;
    bool is_in = session->state == LODGE_SESSION_OPEN || session->state == LODGE_SESSION_AWAY;
    bool is_wanted = chronicle_concerns(chronicle, session->host, session->uuid);
    if (is_in && is_wanted && !known->is_said) {
        known->is_said = true;
        if (chronicle->is_ready) {
            say_opened(chronicle, session);
        }
    }
}

void chronicle_sweep_sessions(struct chronicle *chronicle)
{
    for (size_t i = chronicle->session_count; i-- > 0;) {
        struct known_session *known = &chronicle->sessions[i];
        if (known->telling != chronicle->telling) {
            say_closed(chronicle, known, NULL);
            remove_session(chronicle, known);
        }
    }
}

void chronicle_forget_sessions(struct chronicle *chronicle)
{
    while (chronicle->session_count > 0) {
        remove_session(chronicle, &chronicle->sessions[0]);
    }
    free(chronicle->sessions);
    chronicle->sessions = NULL;
}
