/*
 * console: the list of sessions, the oldest first, and one timer that tells how many bytes they
 * took. Here it is decided who may have one, how many, and whom a ticket or a page's secret belongs
 * to; what becomes of a session is in session.c.
 *
 * Whenever the registry tells of changes, the sessions at each VM that has changed are asked
 * whether they may go on; all are, when anybody's role has.
 */
#include "console/console.h"

#include "console/again.h"
#include "console/session.h"
#include "console/watched.h"
#include "memory.h"
#include "refusals.h"
#include "registry/access.h"
#include "registry/told.h"
#include "scope.h"

#include <stdlib.h>

enum { TELL_MS = 5000 }; /* how often byte counts that grow are told to subscribers */

static void console_changed(struct registry_reader *reader);
static void console_people_changed(struct registry_reader *reader);
static void tell_bytes(void *owner);

struct console *console_new(struct loop *loop, struct registry *registry, struct ops *ops,
                            struct audit *audit, struct session_log *log,
                            const struct console_limits *limits)
{
    struct console *console = xcalloc(1, sizeof *console);
    console->loop = loop;
    console->registry = registry;
    console->ops = ops;
    console->audit = audit;
    console->log = log;
    console->limits = *limits;
    console->hub = relay_hub_new(loop);
    console->timer = loop_timer_new(loop, tell_bytes, console);
    index_init(&console->watched_by);
    console->reader.changed = console_changed;
    console->reader.people_changed = console_people_changed;
    registry_add_reader(registry, &console->reader);
    return console;
}

void console_set_limits(struct console *console, const struct console_limits *limits)
{
    console->limits = *limits;
    LIST_EACH (struct session, session, &console->sessions, link) {
        session_set_timer(session);
    }
}

void console_set_last(struct console *console, int64_t last_session)
{
    console->unlogged = console->last_id;
    console->last_id = last_session > console->last_id ? last_session : console->last_id;
}

void console_close(struct console *console)
{
    registry_remove_reader(console->registry, &console->reader);
    while (console->sessions.first != NULL) {
        session_end(LIST_FIRST(&console->sessions, struct session, link), "lodged is leaving");
    }
    again_clear(console);
    loop_timer_free(TAKE(console->timer));
}

/* The table */

struct session *console_find(struct console *console, int64_t id)
{
    LIST_EACH (struct session, session, &console->sessions, link) {
        if (session_id(session) == id) {
            return session;
        }
    }
    return NULL;
}

void console_forget(struct console *console, struct session *session)
{
    list_remove(&console->sessions, &session->link);
}

struct session *console_add(struct console *console, const struct console_ask *ask)
{
    struct session *session = session_new(console, ask);
    list_append(&console->sessions, &session->link);
    return session;
}

/* Ends it if its VM stopped or access to that is gone. An end changes what the registry shows, but
 * no other session. */
static void look_again(struct session *session)
{
    struct lodge_error said = {0}; /* to the viewer, by then */
    if (session_goes_on(session, &said)) {
        session_follow_owner(session);
        session_tell_pause(session);
    }
}

static void console_people_changed(struct registry_reader *reader)
{
    struct console *console = CONTAINER_OF(reader, struct console, reader);
    LIST_EACH (struct session, session, &console->sessions, link) {
        look_again(session);
    }
}

static void console_changed(struct registry_reader *reader)
{
    struct console *console = CONTAINER_OF(reader, struct console, reader);
    LIST_EACH (struct watched, watched, &console->watched, link) {
        if (watched_has_changed(watched, console->registry)) {
            LIST_EACH (struct session, session, &watched->sessions, at_vm) {
                look_again(session); /* the last that ends takes `watched` along */
            }
        }
    }
}

/* Byte counts */

static void tell_bytes(void *owner)
{
    struct console *console = owner;
    bool is_any_open = false;
    LIST_EACH (struct session, session, &console->sessions, link) {
        is_any_open |= session->phase == SESSION_OPEN;
        if (session_refresh(session)) {
            registry_session_changed(console->registry, session->shown);
        }
    }
    if (is_any_open) {
        loop_timer_start(console->timer, TELL_MS, 0);
    }
}

void console_count_bytes(struct console *console)
{
    if (console->timer != NULL && !loop_timer_is_active(console->timer)) {
        loop_timer_start(console->timer, TELL_MS, 0);
    }
}

void console_each(struct console *console,
                  void (*each)(void *data, const struct registry_session *session), void *data)
{
    LIST_EACH (struct session, session, &console->sessions, link) {
        (void)session_refresh(session);
        each(data, session->shown);
    }
}

/* Opening */

struct viewer console_viewer(const struct console *console, const struct identity *who)
{
    return (struct viewer){who->uid, people_role(registry_people(console->registry), who)};
}

bool console_may_use(const struct console *console, const struct identity *who, const struct vm *vm)
{
    struct viewer viewer = console_viewer(console, who);
    return access_allows(&viewer, vm, ACCESS_OWNER);
}

char *console_told(const struct session *session, const char *reason)
{
    struct registry *registry = session->console->registry;
    struct viewer viewer = console_viewer(session->console, &session->who);
    struct told_about about = {session->host, session->uuid, session->vm, false};
    return told_text(registry, &viewer, &about, reason);
}

static bool is_of_user(const struct session *session, const struct console_ask *ask)
{
    return session->who.uid == ask->who->uid;
}

static bool is_of_vm(const struct session *session, const struct console_ask *ask)
{
    return session_is_of(session, ask->vm->facts.host, ask->vm->facts.uuid);
}

/* Whose page was closed keeps nobody out; it could only come back because it may be being reloaded.
 * And who asks again has lost the link: a ticket of theirs that nobody has used makes room. */
static bool gives_room(const struct session *session, const struct console_ask *ask)
{
    return (session->phase == SESSION_AWAY && session->has_left) ||
           (session->phase == SESSION_TICKETED && is_of_user(session, ask));
}

static bool
make_room_for_session(struct console *console, const struct console_ask *ask, unsigned limit,
                      bool (*counts)(const struct session *, const struct console_ask *))
{
    unsigned count = 0;
    struct session *spare = NULL;
    LIST_EACH (struct session, session, &console->sessions, link) {
        bool fits = counts(session, ask) && gives_room(session, ask);
        bool is_better = spare == NULL || (session->has_left && !spare->has_left);
        count += counts(session, ask);
        spare = fits && is_better ? session : spare;
    }
    if (limit == 0 || count < limit) {
        return true;
    }
    if (spare == NULL) {
        return false;
    }
    session_end(spare, spare->has_left ? SESSION_LEFT : "another ticket took its place");
    return count == limit;
}

bool console_has_room(struct console *console, const struct console_ask *ask,
                      struct lodge_error *err)
{
    const struct console_limits *limits = &console->limits;
    if (!make_room_for_session(console, ask, limits->per_user, is_of_user)) {
        return lodge_fail(
            err, LODGE_ERROR_TOO_MANY,
            "you have %u sessions, which is as many as you may: close the window of one, "
            "or end it (console.close)",
            limits->per_user);
    }
    if (!make_room_for_session(console, ask, limits->per_vm, is_of_vm)) {
        return lodge_fail(
            err, LODGE_ERROR_TOO_MANY,
            "'%s' has %u sessions, which is as many as it may: close the window of one, "
            "or end it (console.close)",
            ask->vm->facts.name, limits->per_vm);
    }
    return true;
}

void console_open(struct console *console, const struct console_ask *ask, console_fn *answered,
                  void *data)
{
    struct lodge_error err = {0};
    if (console->timer == NULL) {
        (void)refuse_stopping(&err);
        answered(data, NULL, &err);
        return;
    }
    if (!console_has_room(console, ask, &err)) {
        answered(data, NULL, &err);
        return;
    }
    struct session *session = console_add(console, ask);
    session->answered = answered;
    session->data = data;
    session_ask(session);
}

/* What the doors ask. That a ticket is wrong, used or expired is the same to who has it. */
struct session *console_find_ticket(struct console *console, const char *text, size_t length,
                                    enum lodge_session_door door, uid_t uid,
                                    struct lodge_error *err)
{
    struct ticket ticket;
    struct session *found = NULL;
    bool good = ticket_read(text, length, &ticket);
    uint64_t now = loop_monotonic_ms();
    LIST_EACH (struct session, session, &console->sessions, link) {
        bool live = good && session->phase == SESSION_TICKETED && session->phase_until > now;
        if (live && session->door == door && ticket_is(&session->ticket, &ticket) &&
            (uid == (uid_t)-1 || uid == session->who.uid)) {
            found = session;
        }
    }
    if (found == NULL) {
        (void)lodge_fail(err, LODGE_ERROR_DENIED, "the ticket is not, or no longer, good");
        return NULL;
    }
    return session_goes_on(found, err) ? found : NULL;
}

static struct session *find_page(struct console *console, int64_t page)
{
    LIST_EACH (struct session, session, &console->sessions, link) {
        if (session->page == page) {
            return session;
        }
    }
    return NULL;
}

/* By its number first, and then by the secret: so two sessions with the same one, which only a page
 * that makes bad ones can bring about, are still two. */
struct session *console_find_secret(struct console *console, int64_t page,
                                    const struct ticket *secret, struct lodge_error *err)
{
    struct session *session = find_page(console, page);
    bool good = session != NULL && session->has_secret &&
                (session->phase == SESSION_OPEN || session->phase == SESSION_AWAY) &&
                ticket_is(&session->secret, secret);
    if (!good) {
        (void)lodge_fail(err, LODGE_ERROR_DENIED, "there is no such session to come back to");
        return NULL;
    }
    return session_goes_on(session, err) ? session : NULL;
}

bool console_end(struct console *console, int64_t id, const struct viewer *viewer,
                 struct lodge_error *err)
{
    struct session *session = console_find(console, id);
    if (session == NULL || !registry_session_is_visible(session->shown, viewer)) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND,
                          "no session %lld; console.list names those there are", (long long)id);
    }
    const struct registry_session *shown = session->shown;
    if (!access_allows_of(viewer, shown->uid, shown->owner, ACCESS_OWNER)) {
        return lodge_fail(err, LODGE_ERROR_DENIED, "session %lld is not yours", (long long)id);
    }
    char reason[120];
    const char *who = people_name(registry_people(console->registry), viewer->uid);
    (void)snprintf(reason, sizeof reason, "%.80s closed it", who);
    session_end(session, reason);
    return true;
}
