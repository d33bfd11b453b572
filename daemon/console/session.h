/* session: one viewer's hold on one guest's screen, from the ask to the end. For console.c and
 * session.c. Loop-only. */
#ifndef CONSOLE_SESSION_H
#define CONSOLE_SESSION_H

#include "console/console.h"
#include "console/relay.h"
#include "index.h"
#include "list.h"

enum session_phase {
    SESSION_ASKED,    /* the guest's VNC server is being opened for console.open */
    SESSION_TICKETED, /* its ticket has not been shown */
    SESSION_OPEN,     /* its viewer is in */
    SESSION_AWAY,     /* its viewer may come back: it has a secret */
    SESSION_ENDED,
};

enum { SESSION_TOLD_MAX = 100 };

struct session {
    struct list_link link;   /* in console.sessions, the oldest first */
    struct watched *watched; /* its VM … */
    struct list_link at_vm;  /* … and there, in watched.sessions */
    struct loop_timer *timer;
    struct console *console;
    struct registry_session *shown;
    enum session_phase phase;
    char *host;
    char uuid[37];
    char *vm;
    uint64_t starts; /* the VM's: another boot has another screen */
    struct identity who;
    enum lodge_session_door door;
    enum lodge_session_mode mode;
    struct ticket ticket;
    struct ticket secret; /* its page's own, to come back with */
    bool has_secret;
    int64_t page;   /* its page's number for it: that of the first session of its ticket */
    uint64_t since; /* when that was joined, monotonic ms */
    unsigned times; /* that it was opened again */
    bool has_left;  /* it is AWAY because its page was closed: its place is free for another */
    console_fn *answered; /* NULL: it was */
    void *data;
    int fd;           /* the guest's VNC server, until a viewer is joined to it; -1 */
    bool is_asking;   /* a viewer who came back waits for the server */
    bool is_starting; /* … and that for its guest, which is off */
    struct front *front;
    struct relay relay;
    bool logged;          /* it has a row */
    uint64_t joined_at;   /* monotonic ms, as all of these; 0: not yet */
    uint64_t phase_until; /* the ticket's end, the end of being away; 0: none */
    uint64_t gone_at;     /* the server closed: when that is said, unless a better reason comes */
    char told[SESSION_TOLD_MAX]; /* what its viewer was told last that the guest does */
};

struct session *session_new(struct console *console, const struct console_ask *ask);

/* Has the guest's VNC server opened. */
void session_ask(struct session *session);

/* The reason of one whose page was closed. */
#define SESSION_LEFT "its viewer has left"

/* With a reason that its viewer is told: a clause without a full stop. It is freed at the end of
 * the turn. */
void session_end(struct session *session, const char *reason);

/* The same for an error. */
void session_fail(struct session *session, enum front_end how, const struct lodge_error *err);

void session_copy_identity(struct identity *copy, const struct identity *who);

/* Whether it may go on; else it has ended, because its VM stopped or access to it was taken away:
 * DENIED, with the words that its viewer was told. */
bool session_goes_on(struct session *session, struct lodge_error *err);

bool session_is_of(const struct session *session, const char *host, const char *uuid);

/* The VM's owner of now may see it. */
void session_follow_owner(struct session *session);

/* Its viewer hears whether the guest is paused. */
void session_tell_pause(struct session *session);

/* One of its times has changed. */
void session_set_timer(struct session *session);

/* session_time.c: when to look whether it is over, monotonic ms, UINT64_MAX: never; whether it is,
 * and why. */
uint64_t session_next_time(const struct session *session);
bool session_is_over(const struct session *session, uint64_t now, char *ret_reason, size_t size);

/* Its numbers, where they are shown. Returns whether any changed. */
bool session_refresh(struct session *session);

/* console.c: a new one; whether there is room for it (TOO_MANY); it has ended. */
struct session *console_add(struct console *console, const struct console_ask *ask);
bool console_has_room(struct console *console, const struct console_ask *ask,
                      struct lodge_error *err) LODGE_MUST_CHECK;
void console_forget(struct console *console, struct session *session);
struct session *console_find(struct console *console, int64_t id);
/* One is open: how many bytes it took is told from now on. */
void console_count_bytes(struct console *console);
struct viewer console_viewer(const struct console *console, const struct identity *who);
bool console_may_use(const struct console *console, const struct identity *who,
                     const struct vm *vm);
/* What of a reason its viewer may hear, on the heap; the session's row has all of it. */
char *console_told(const struct session *session, const char *reason);

struct console {
    struct loop *loop;
    struct registry *registry;
    struct ops *ops;
    struct audit *audit;
    struct session_log *log;
    struct console_limits limits;
    struct relay_hub *hub;
    struct list sessions;
    struct list watched;      /* the VMs that they are at … */
    struct index watched_by;  /* … by host and uuid */
    struct list rests;        /* of those that have ended (again.c) */
    struct loop_timer *timer; /* byte counts are told; NULL: closed */
    struct registry_reader reader;
    int64_t last_id;
    int64_t unlogged; /* up to this number they began without a store, and have no rows */
};

#endif
