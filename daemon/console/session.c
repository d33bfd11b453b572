/*
 * session: phases, and what leads from one to the other:
 *
 *     ASKED     the server is connected: TICKETED; it cannot be: ENDED
 *     TICKETED  the ticket is shown in time: OPEN
 *     OPEN      a viewer with a secret breaks off or leaves, or the server refuses it: AWAY
 *     AWAY      that secret is shown in time: OPEN; it left, and its place is wanted: ENDED
 *     any       time is over, the VM or access is gone, a side ends it: ENDED
 *
 * A session owns the guest's descriptor until a relay has it, and what the registry shows of it. It
 * is freed at the end of the turn in which it ends; answers that come later find it by its number,
 * or not at all. Loop-only.
 */
#include "console/session.h"

#include "console/again.h"
#include "console/ending.h"
#include "console/watched.h"
#include "log.h"
#include "memory.h"
#include "reads/display_calls.h"
#include "reads/session_log.h"
#include "registry/told.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RETURN_MS = 60000, /* how long a viewer whose connection broke may come back */
    REASON_MS =
        3000, /* a server that closes mostly belongs to a VM that stops: its event says how */
};

static const struct relay_owner relay_owner;
static void session_time(void *owner);

static uint64_t ms_after(unsigned seconds)
{
    return loop_monotonic_ms() + (uint64_t)seconds * 1000;
}

void session_copy_identity(struct identity *copy, const struct identity *who)
{
    *copy = *who;
    copy->groups = NULL;
    if (who->group_count > 0) {
        copy->groups = xcalloc(who->group_count, sizeof *who->groups);
        memcpy(copy->groups, who->groups, who->group_count * sizeof *who->groups);
    }
}

static void show(struct session *session, const struct vm *vm)
{
    struct lodge_session *facts = &session->shown->facts;
    struct people *people = registry_people(session->console->registry);
    session->shown->uid = session->who.uid;
    session->shown->owner = vm->owner;
    facts->session = ++session->console->last_id;
    facts->vm = xstrdup(session->vm);
    facts->host = xstrdup(session->host);
    (void)snprintf(facts->uuid, sizeof facts->uuid, "%s", session->uuid);
    facts->user = xstrdup(people_name(people, session->who.uid));
    facts->kind = LODGE_SESSION_VNC;
    facts->mode = session->mode;
    facts->door = session->door;
    facts->state = LODGE_SESSION_WAITS;
    facts->started_at = loop_wall_ms();
    facts->bytes = 0;
}

struct session *session_new(struct console *console, const struct console_ask *ask)
{
    struct session *session = xcalloc(1, sizeof *session);
    session->console = console;
    session->host = xstrdup(ask->vm->facts.host);
    (void)snprintf(session->uuid, sizeof session->uuid, "%s", ask->vm->facts.uuid);
    session->vm = xstrdup(ask->vm->facts.name == NULL ? session->uuid : ask->vm->facts.name);
    session->starts = ask->vm->starts;
    session->door = ask->door;
    session->mode = ask->mode;
    session->fd = -1;
    session_copy_identity(&session->who, ask->who);
    relay_init(&session->relay, console->hub, &relay_owner);
    session->shown = registry_add_session(console->registry);
    show(session, ask->vm);
    session->page = session_id(session);
    session->timer = loop_timer_new(console->loop, session_time, session);
    watched_join(session);
    return session;
}

int64_t session_id(const struct session *session)
{
    return session->shown->facts.session;
}

bool session_is_of(const struct session *session, const char *host, const char *uuid)
{
    return strcmp(session->uuid, uuid) == 0 && strcmp(session->host, host) == 0;
}

static void set_phase(struct session *session, enum session_phase phase, uint64_t until)
{
    static const enum lodge_session_state states[] = {
        [SESSION_ASKED] = LODGE_SESSION_WAITS,   [SESSION_TICKETED] = LODGE_SESSION_WAITS,
        [SESSION_OPEN] = LODGE_SESSION_OPEN,     [SESSION_AWAY] = LODGE_SESSION_AWAY,
        [SESSION_ENDED] = LODGE_SESSION_UNKNOWN,
    };
    struct registry *registry = session->console->registry;
    struct watched *watched = session->watched;
    watched->viewers += (phase == SESSION_OPEN) - (session->phase == SESSION_OPEN);
    session->phase = phase;
    session->phase_until = until;
    session->shown->facts.state = states[phase];
    if (phase != SESSION_ENDED) {
        (void)session_refresh(session);
        registry_session_changed(registry, session->shown);
    }
    registry_set_viewers(registry, session->host, session->uuid, watched->viewers);
    session_set_timer(session);
}

/* The guest's VNC server */

struct opening {
    struct console *console;
    int64_t id;
};

static void answer_ticket(struct session *session)
{
    char text[TICKET_TEXT + 1];
    unsigned ttl = session->console->limits.ticket_ttl_s;
    session->ticket = ticket_make();
    ticket_write(&session->ticket, text);
    set_phase(session, SESSION_TICKETED, ms_after(ttl));
    struct console_answer answer = {
        .session = session_id(session),
        .expires_at = loop_wall_ms() + (int64_t)ttl * 1000,
        .ticket = text,
    };
    TAKE(session->answered)(session->data, &answer, NULL);
    explicit_bzero(text, sizeof text);
}

static int take_fd(struct glance_result *result)
{
    int fd = result->fd;
    result->fd = -1;
    return fd;
}

static enum rfb_mode rfb_mode_of(const struct session *session)
{
    return session->mode == LODGE_SESSION_RW ? RFB_READ_WRITE : RFB_READ_ONLY;
}

/* From now on it counts how long nothing is typed: its timer is to be set. */
static void begin_relay(struct session *session, int fd)
{
    relay_begin(&session->relay, session->front, fd, rfb_mode_of(session));
}

/* The descriptor stays the result's, which closes it, unless it is taken here. */
static void vnc_opened(void *data, struct glance_result *result, const struct lodge_error *error)
{
    struct opening *opening = data;
    struct session *session = console_find(opening->console, opening->id);
    free(opening);
    if (session == NULL) {
        return;
    }
    bool asked = session->phase == SESSION_ASKED;
    session->is_asking = false;
    if (error != NULL && asked) {
        console_fn *answered = TAKE(session->answered);
        session_end(session, error->message);
        answered(session->data, NULL, error);
    } else if (error != NULL) {
        bool is_off = error->kind == LODGE_ERROR_BAD_STATE && strcmp(error->state, "shutoff") == 0;
        session_fail(session, is_off ? FRONT_OFF : FRONT_AGAIN, error);
    } else if (asked) {
        session->fd = take_fd(result);
        answer_ticket(session);
    } else if (session->front != NULL) {
        begin_relay(session, take_fd(result));
        session_set_timer(session);
    } /* else its viewer has gone again */
}

void session_ask(struct session *session)
{
    struct opening *opening = xcalloc(1, sizeof *opening);
    *opening = (struct opening){session->console, session_id(session)};
    session->is_asking = true;
    struct glance_at at = {session->host, session->uuid, session->vm};
    screens_open(session->console->ops, &at, vnc_opened, opening);
}

/* The viewer */

static void leave_front(struct session *session, enum front_end how, const char *reason)
{
    struct front *front = TAKE(session->front);
    if (front != NULL) {
        front->session = NULL;
        front->kind->end(front, how, reason);
    }
}

static void note_begin(struct session *session)
{
    if (session_id(session) <= session->console->unlogged) {
        return; /* what it did is in the log alone */
    }
    session->logged = true;
    session_log_begin(session->console->log,
                      &(struct session_row){
                          .id = session_id(session),
                          .host = session->host,
                          .uuid = session->uuid,
                          .vm = session->vm,
                          .uid = session->who.uid,
                          .kind = "vnc",
                          .mode = session->mode == LODGE_SESSION_RW ? "rw" : "ro",
                          .door = session->door == LODGE_SESSION_WEB ? "web" : "stream",
                          .peer = session->shown->facts.peer,
                          .started_ms = loop_wall_ms(),
                      });
}

static void set_peer(struct session *session, const char *peer)
{
    free(session->shown->facts.peer);
    session->shown->facts.peer = xstrdup(peer);
}

void session_join(struct session *session, struct front *front, const char *peer,
                  const struct ticket *secret)
{
    bool returns = session->phase != SESSION_TICKETED;
    if (!returns && secret != NULL) { /* once, by who holds the ticket */
        session->secret = *secret;
        session->has_secret = true;
    }
    leave_front(session, FRONT_ELSEWHERE, "continued in another window");
    relay_end(&session->relay);
    explicit_bzero(&session->ticket, sizeof session->ticket);
    session->gone_at = 0;
    session->has_left = false;
    set_peer(session, peer);
    if (session->joined_at == 0) {
        session->joined_at = loop_monotonic_ms();
        session->since = session->since == 0 ? session->joined_at : session->since;
        session->shown->facts.started_at = loop_wall_ms();
        note_begin(session);
    }
    front->session = session;
    session->front = front;
    if (session->fd >= 0) {
        begin_relay(session, session->fd);
        session->fd = -1;
    } else if (!session->is_asking) {
        session_ask(session);
    }
    log_with(LOG_LEVEL_INFO, LOG_CONSOLE,
             (&(struct log_fields){
                 .host = session->host, .vm = session->vm, .user = session->shown->facts.user}),
             "session %lld: %s %s the screen of '%s' from %s", (long long)session_id(session),
             session->shown->facts.user, returns ? "is back at" : "is at", session->vm, peer);
    set_phase(session, SESSION_OPEN, 0);
    console_count_bytes(session->console);
    session->told[0] = '\0';
    session_tell_pause(session);
}

/* Its viewer's connection is not there any more. A page that is reloaded says goodbye as one that
 * is closed does: so both may come back, and neither keeps anybody out. */
static void go_away(struct session *session, bool left)
{
    session->has_left = left;
    relay_end(&session->relay);
    set_phase(session, SESSION_AWAY, loop_monotonic_ms() + RETURN_MS);
}

void session_from_viewer(struct session *session, uint8_t *bytes, size_t length)
{
    relay_from_viewer(&session->relay, bytes, length);
}

void session_has_room(struct session *session)
{
    relay_has_room(&session->relay);
}

void session_front_gone(struct session *session, bool left)
{
    session->front = NULL;
    if (session->has_secret) { /* also while it is waited for why its server has gone */
        go_away(session, left);
    } else {
        session_end(session, SESSION_LEFT);
    }
}

/* The relay */

/* A server that refuses (mostly a password) says so to the page, which may ask for another. */
static void session_server_gone(struct relay *relay)
{
    struct session *session = CONTAINER_OF(relay, struct session, relay);
    if (relay->rfb.state == RFB_REFUSED && session->has_secret) {
        leave_front(session, FRONT_FOR_NOW, rfb_reason(&relay->rfb));
        go_away(session, false);
        return;
    }
    session->gone_at = loop_monotonic_ms();
    session_set_timer(session);
}

static void must_end(struct relay *relay, const char *reason)
{
    session_end(CONTAINER_OF(relay, struct session, relay), reason);
}

static const struct relay_owner relay_owner = {session_server_gone, must_end};

/* The end */

static uint64_t bytes_of(const struct session *session)
{
    return session->relay.bytes_up + session->relay.bytes_down;
}

static void session_free(struct session *session)
{
    loop_timer_free(session->timer);
    free(session->who.groups);
    free(session->host);
    free(session->vm);
    explicit_bzero(&session->ticket, sizeof session->ticket);
    explicit_bzero(&session->secret, sizeof session->secret);
    loop_free_later(session->console->loop, session);
}

static void end_session(struct session *session, enum front_end how, const char *reason,
                        const char *told)
{
    struct console *console = session->console;
    if (session->phase == SESSION_ENDED) {
        return;
    }
    int64_t id = session_id(session);
    if (session->logged) {
        session_log_end(console->log, id, reason, bytes_of(session));
    }
    log_with(session->logged ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, LOG_CONSOLE,
             (&(struct log_fields){.host = session->host, .vm = session->vm}),
             "session %lld at '%s' has ended: %s", (long long)id, session->vm, reason);
    set_phase(session, SESSION_ENDED, 0);
    if (how == FRONT_AGAIN && !session->has_secret) {
        how = FRONT_OVER;
    }
    leave_front(session, how, told);
    relay_end(&session->relay);
    if (session->fd >= 0) {
        close(session->fd);
    }
    if (session->answered != NULL) {
        struct lodge_error err = {0};
        (void)lodge_fail(&err, LODGE_ERROR_CANCELLED, "the console of '%s' was not opened: %s",
                         session->vm, reason);
        TAKE(session->answered)(session->data, NULL, &err);
    }
    registry_remove_session(console->registry, session->shown, reason);
    console_forget(console, session);
    watched_leave(session);
    if (session->has_secret) {
        again_keep(session, how, told);
    }
    session_free(session);
}

/* `how`: and what its viewer may do then. */
static void session_end_as(struct session *session, enum front_end how, const char *reason)
{
    AUTO(free) char *told = console_told(session, reason);
    end_session(session, how, reason, told);
}

void session_end(struct session *session, const char *reason)
{
    session_end_as(session, FRONT_OVER, reason);
}

void session_fail(struct session *session, enum front_end how, const struct lodge_error *err)
{
    struct viewer viewer = console_viewer(session->console, &session->who);
    struct told_about about = {session->host, session->uuid, session->vm, false};
    struct lodge_error told;
    told_error(session->console->registry, &viewer, &about, err, &told);
    end_session(session, how, err->message, told.message);
}

bool session_goes_on(struct session *session, struct lodge_error *err)
{
    struct ending ending;
    if (!ending_find(session, &ending)) {
        return true;
    }
    (void)lodge_fail(err, LODGE_ERROR_DENIED, "%s", ending.words);
    session_end_as(session, ending.how, ending.words);
    return false;
}

void session_follow_owner(struct session *session)
{
    struct registry *registry = session->console->registry;
    const struct vm *vm = registry_find_vm(registry, session->host, session->uuid);
    if (vm != NULL && vm->owner != session->shown->owner) {
        session->shown->owner = vm->owner;
        registry_session_changed(registry, session->shown);
    }
}

void session_tell_pause(struct session *session)
{
    char words[SESSION_TOLD_MAX];
    if (session->front == NULL || session->front->kind->tell == NULL) {
        return;
    }
    if (ending_is_paused(session) != (session->told[0] != '\0')) {
        ending_pause(session, words, sizeof words);
        memcpy(session->told, words, sizeof words);
        session->front->kind->tell(session->front, words);
    }
}

/* A timer of each session's is set to the first of its times whenever one changes, and finds out
 * which it was. What a viewer types moves one on without a word: then it comes too early, and is
 * set again. */
void session_set_timer(struct session *session)
{
    uint64_t now = loop_monotonic_ms();
    uint64_t next = session_next_time(session);
    uint64_t gone = session->gone_at == 0 ? UINT64_MAX : session->gone_at + REASON_MS;
    next = gone < next ? gone : next;
    if (next == UINT64_MAX) {
        loop_timer_stop(session->timer);
    } else {
        loop_timer_start(session->timer, next > now ? next - now : 0, 0);
    }
}

static void session_time(void *owner)
{
    struct session *session = owner;
    uint64_t now = loop_monotonic_ms();
    char reason[ENDING_MAX];
    if (session->gone_at != 0 && session->gone_at + REASON_MS <= now) {
        struct ending ending;
        ending_of_server(session, &ending);
        session_end_as(session, ending.how, ending.words);
    } else if (session_is_over(session, now, reason, sizeof reason)) {
        session_end(session, reason);
    } else {
        session_set_timer(session);
    }
}

bool session_refresh(struct session *session)
{
    struct lodge_session *facts = &session->shown->facts;
    uint64_t bytes = bytes_of(session);
    bool open = session->phase == SESSION_OPEN && session->relay.server != NULL;
    bool changed = bytes != (uint64_t)facts->bytes;
    facts->bytes = (int64_t)bytes;
    facts->idle_s =
        open ? (int64_t)(loop_monotonic_ms() - session->relay.input_at) / 1000 : LODGE_UNKNOWN;
    return changed;
}
