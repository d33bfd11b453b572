/*
 * model: what the TUI knows, fed by events alone (of the daemon, or of the demonstration).
 *
 * It owns all it holds: events are copied in, and texts are made fit to show (no control bytes)
 * on entry, not at each draw. `now_ms` is the clock that everything is drawn by; whoever draws
 * sets it first, so that drawing depends on nothing but the model. One thread.
 */
#ifndef TUI_MODEL_MODEL_H
#define TUI_MODEL_MODEL_H

#include "index.h"
#include "lodge/event.h"
#include "lodge/quota.h"

#include <stddef.h>
#include <stdint.h>

struct command_set;

/* Seconds of samples that are kept; older ones are the daemon's business. */
#define HISTORY_SECONDS 60

/* Operations that are remembered. */
#define MODEL_OPS 100

/* What has happened that is remembered. */
#define MODEL_ACTIVITIES 1000

/* How long what has disappeared stays to be seen, greyed. */
#define GONE_MS 3000

/* One value a second, in half percents. */
struct history {
    int64_t second; /* of the newest value, since 1970; 0: none yet */
    uint8_t halves[HISTORY_SECONDS];
};

/* Something that happened while the TUI was looking. */
struct activity {
    int64_t at_ms;
    bool bad;
    char text[200];
};

struct model_row {
    struct lodge_vm vm; /* what the list asks for; the rest is unknown */
    struct history cpu;
    struct history memory;
    bool marked;            /* by the user: what a key does, it does to all of them */
    int64_t gone_ms;        /* since when it is no more, 0: it is */
    unsigned told;          /* the telling (see model.telling) that named it last */
    size_t rank;            /* the list's: where it stood at the last sort */
    size_t slot;            /* the model's: its place in rows */
    struct index_link link; /* in model.by_key */
};

struct model_host {
    struct lodge_host host;
    struct history cpu;
    int64_t gone_ms;
    unsigned told;
    size_t vms;
};

enum link_state {
    LINK_CONNECTING, /* never been there yet */
    LINK_LIVE,
    LINK_LOST, /* what is shown is from before */
};

/* What a guest can be made from. */
enum offer_kind { OFFER_IMAGE, OFFER_ISO, OFFER_KERNEL, OFFER_NETWORK, OFFERS };

struct model {
    const struct command_set *commands; /* in whose keys it tells what lodged says; NULL: in none */
    struct model_row **rows;            /* in no order */
    size_t count;
    size_t capacity;
    struct index by_key;      /* of the rows, by host and uuid */
    struct model_host *hosts; /* ordered by name */
    size_t host_count;
    unsigned telling; /* counts resets: rows of an older telling are unconfirmed until ready */

    bool ready;                      /* all that there is has been told once */
    bool retelling;                  /* it is being told again: who is named is no newcomer */
    struct lodge_strings incomplete; /* hosts that were not read when it was told */
    size_t by_state[LODGE_VM_STATES];
    size_t total;
    size_t hung; /* unresponsive and not stale */
    size_t stale;
    size_t tagged; /* rows with tags */
    size_t owners; /* how many different ones: 0, 1, or 2 for more */
    struct {
        enum link_state state;
        int64_t since_ms;
        int64_t retry_ms; /* when the next attempt is due, 0: now */
        char error[512];  /* why it is not live */
    } link;
    struct {
        char *name;
        char *user;
        char *role;
    } server;                       /* NULL: not told */
    struct lodge_vm detail;         /* the last vm.get, by uuid and host; empty uuid: none */
    char detail_error[512];         /* why there is none */
    struct lodge_session *sessions; /* oldest first */
    size_t session_count;
    struct lodge_op *ops; /* newest first, at most MODEL_OPS */
    size_t op_count;
    struct activity *activities; /* a ring; NULL: nothing yet */
    size_t activity_count;       /* ever */
    struct {
        bool known;
        struct lodge_quota system, user;
    } quota;
    struct lodge_strings offers[OFFERS]; /* names, as far as they were asked for */
    int64_t now_ms;
    unsigned facts;   /* counts changes of anything but samples */
    unsigned samples; /* counts samples */
};

void model_init(struct model *model, const struct command_set *commands);
void model_done(struct model *model);

/* Takes in one event; `event` stays the caller's. */
void model_apply(struct model *model, const struct lodge_event *event);

/* Says how the connection is; `error` (may be NULL) why it is not live. */
void model_set_link(struct model *model, enum link_state state, const char *error);

/* Takes in what an event says of an operation; false unless it has ended by that. */
bool model_apply_op(struct model *model, const struct lodge_event *event);
void model_forget_ops(struct model *model);

/* Takes in what an event says of a session. */
void model_apply_session(struct model *model, const struct lodge_event *event);
const struct lodge_session *model_find_session(const struct model *model, int64_t session);
void model_forget_sessions(struct model *model);

/* Remembers a line of what happens now; of a guest, what is other than before; of an operation that
 * has begun or ended, that. */
void model_note(struct model *model, bool bad, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void model_note_vm(struct model *model, const struct lodge_vm *before, const struct lodge_vm *now);
void model_note_op(struct model *model, const struct lodge_op *op);

/* How many are remembered, and one of them, 0 the last. */
size_t model_activity_count(const struct model *model);
const struct activity *model_activity(const struct model *model, size_t back);

/* What the library and the networks are. */
void model_add_offer(struct model *model, enum offer_kind kind, const char *name);
void model_forget_offers(struct model *model);

/* What quota.get told. */
void model_take_quota(struct model *model, const struct lodge_quota *system,
                      const struct lodge_quota *user);

/* They have changed; what quota.get told is known already, else this says too little. */
void model_apply_quota(struct model *model, const struct lodge_event *event);

/* Forgets who was gone GONE_MS ago (rows are freed). Returns when to ask again, 0: not at all. */
int64_t model_expire(struct model *model);

/* Takes over three texts (each may be NULL): who the daemon is and who we are to it. */
void model_take_server(struct model *model, char *name, char *user, char *role);

/* Takes over what vm.get told (`detail` is left empty), or why it told nothing. */
void model_take_detail(struct model *model, struct lodge_vm *detail);
void model_fail_detail(struct model *model, const char *error);

/* NULL if there is none. */
struct model_row *model_find(const struct model *model, const char *host, const char *uuid);
struct model_row *model_find_vm(const struct model *model, const char *vm); /* HOST/UUID */
struct model_host *model_find_host(const struct model *model, const char *name);

/* Whether all guests of every host have been told. */
bool model_is_complete(const struct model *model);

/* Counts rows by state and hosts' guests anew; cheap, once per drawn frame. */
void model_count(struct model *model);

/* Whether the row's numbers are from the past: its host, or the daemon itself, cannot be asked. */
bool model_row_is_stale(const struct model *model, const struct model_row *row);

/* The percents of the last HISTORY_SECONDS, newest last, NAN where nothing is known. Returns the
 * second of the newest place. */
int64_t history_values(const struct history *history, int64_t now_ms,
                       double ret_values[HISTORY_SECONDS]);
void history_add(struct history *history, int64_t at_ms, double percent);

#endif
