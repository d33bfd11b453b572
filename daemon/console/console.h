/*
 * console: who looks at which guest's screen: tickets, sessions, and their limits. Loop-only.
 *
 * console_open() opens the guest's VNC server and gives a ticket; a door that is shown the ticket
 * joins a viewer to the session, once; then bytes go both ways (relay.h) until a side ends it. A
 * viewer at the web door whose connection breaks may come back within a minute by the secret that
 * came with the ticket. Access is looked at when a ticket is asked for, when it is shown, and
 * whenever a VM or a role changes.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "console/front.h"
#include "console/ticket.h"
#include "lodge/session.h"
#include "registry/registry.h"
#include "settings.h"

struct audit;
struct console;
struct ops;
struct session_log;

struct console *console_new(struct loop *loop, struct registry *registry, struct ops *ops,
                            struct audit *audit, struct session_log *log,
                            const struct console_limits *limits);
void console_set_limits(struct console *console, const struct console_limits *limits);

/* The store is there, and remembers sessions up to this number. Those that were opened without it
 * have no rows: their numbers may be others' there. */
void console_set_last(struct console *console, int64_t last_session);

/* Every session ends; no more begins. */
void console_close(struct console *console);

struct console_ask {
    struct vm *vm; /* this turn's; its access has been looked at */
    const struct identity *who;
    enum lodge_session_door door;
    enum lodge_session_mode mode;
};

/* `ticket` is borrowed for the call. */
struct console_answer {
    int64_t session;
    int64_t expires_at; /* ms since 1970 */
    const char *ticket; /* TICKET_TEXT digits */
};

/* Exactly once, now or within about 2 s; `answer` NULL with the error: TOO_MANY, BAD_STATE,
 * UNRESPONSIVE, and what else screens_open() says. */
typedef void console_fn(void *data, const struct console_answer *answer,
                        const struct lodge_error *error);
void console_open(struct console *console, const struct console_ask *ask, console_fn *answered,
                  void *data);

/* console.close: by who opened it, the VM's owner, or an admin. NOT_FOUND, also for one that the
 * viewer may not see; DENIED. */
bool console_end(struct console *console, int64_t session, const struct viewer *viewer,
                 struct lodge_error *err) LODGE_MUST_CHECK;

/* Each session, the oldest first, with its numbers of now. */
void console_each(struct console *console,
                  void (*each)(void *data, const struct registry_session *session), void *data);

/* For the doors. The session of a ticket that may be used now, at this door, by `uid` (-1: whoever
 * has it); NULL with DENIED, which never says more than a stranger may know. */
struct session *console_find_ticket(struct console *console, const char *text, size_t length,
                                    enum lodge_session_door door, uid_t uid,
                                    struct lodge_error *err);

/* The session whose viewer comes back with the secret that came with its ticket; `page` is the
 * number of that ticket's first session. NULL with DENIED. */
struct session *console_find_secret(struct console *console, int64_t page,
                                    const struct ticket *secret, struct lodge_error *err);

/* Whether a session that the page with that secret knows by that number has ended a while ago. Then
 * console_again(), in the same turn, tells the page why, or does what it wishes (again.h). */
bool console_remembers(struct console *console, int64_t page, const struct ticket *secret);
enum again_wish { AGAIN_TOLD, AGAIN_OPEN, AGAIN_START };
void console_again(struct console *console, int64_t page, const struct ticket *secret,
                   enum again_wish wish, struct front *front, const char *peer);

/* Of what console_find_…() gave, in the same turn of the loop: the ticket is used up, the viewer is
 * in; one who was there before is sent away. With the ticket goes `secret`, by which this viewer
 * may come back (NULL: cannot); what is given later changes nothing. */
void session_join(struct session *session, struct front *front, const char *peer,
                  const struct ticket *secret);

int64_t session_id(const struct session *session);

#endif
