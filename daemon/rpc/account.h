/*
 * account: what all connections of one user take together: time of the loop, bytes, seats.
 *
 * A user may have many connections, each of which does the worst it can: what they cost is bounded
 * for all of them, so that somebody else finds the loop free. What calls cost on workers is taken
 * from the same time. Loop-only.
 */
#ifndef RPC_ACCOUNT_H
#define RPC_ACCOUNT_H

#include "lodge/error.h"
#include "loop/loop.h"
#include "loop/pace.h"
#include "rpc/seats.h"

#include <stddef.h>
#include <sys/types.h>

enum {
    ACCOUNT_TURN_MS = 1, /* of each turn of the loop */
    ACCOUNT_BURST_MS = 100,
    ACCOUNT_PERCENT = 25,           /* of a processor, when the burst is spent */
    ACCOUNT_DEBT_MS = 100,          /* at most, of what calls cost on workers */
    ACCOUNT_BESIDE_MS = 10,         /* between what is read beside an answer, … */
    ACCOUNT_BESIDE_BURST_MS = 1000, /* … when a hundred were */
    ACCOUNT_PATIENCE_MS = 1000,
    ACCOUNT_SUBSCRIPTIONS = 256 /* each looks at each change */
};
#define ACCOUNT_LINE ((size_t)64 * 1024)  /* what each connection may hold of a line in any case */
#define ACCOUNT_READ ((size_t)16 << 20)   /* lines that have begun, batches that are under way */
#define ACCOUNT_UNSENT ((size_t)32 << 20) /* answers and events that were not taken yet */
#define ACCOUNT_ASKED ((size_t)8 << 20)   /* requests that are unanswered */

/* One connection's part of it: embed. */
struct account_place {
    struct account *account;
    struct account_place *previous, *next; /* in account.places */
    struct account_place *behind;          /* in the row */
    bool waits;                            /* in the row */
    size_t read, unsent;                   /* as they were weighed last */
    void (*run)(struct account_place *place);
};

struct account {
    struct account **list; /* the door's … */
    struct account *next;  /* … which it is in */
    struct loop *loop;
    uid_t uid;
    unsigned holders; /* its connections, and calls that are under way */
    unsigned subscriptions;
    struct account_place *places;

    uint64_t turn;                       /* of the loop, which the next two are of */
    uint64_t spent_us;                   /* before `began_us` */
    uint64_t began_us;                   /* 0: nothing of it runs now */
    int64_t credit_us;                   /* of the loop, at `credited_us` */
    uint64_t credited_us;                /* monotonic */
    struct pace beside;                  /* of what is read beside an answer */
    bool has_all;                        /* root's, or lodged's own */
    struct loop_timer *rest;             /* until there is credit again; NULL: there always was */
    struct account_place *first, **last; /* the row of those who wait for time */
    struct account_place *served;
    struct loop_later serve;
    bool is_closed;

    size_t read, unsent, asked;   /* bytes */
    struct account_place *parses; /* a long line; NULL: none does */
    struct account_place *grows;  /* may read on though too much is read: one always may … */
    uint64_t grew_at;             /* … and did then, monotonic ms */
    bool short_of_read, short_of_unsent, short_of_parsing; /* somebody waits for it */
    struct seats seats;
};

/* Makes the user's account in `list` when there is none, and a place in it. `run` is called when
 * it is the place's turn, or there is room again: it looks for itself what it may do. */
void account_join(struct account **list, struct loop *loop, uid_t uid, struct account_place *place,
                  void (*run)(struct account_place *place));
void account_part(struct account_place *place);

/* For who outlives its connection. An account that nobody holds stays until its burst is whole
 * again: to hang up and come back pays no debts. */
void account_hold(struct account *account);
void account_release(struct account *account);

/* Time. True: the place may work until account_is_over(), and then says account_pause(). False:
 * this turn's time is spent, or others were first; it is run when it is its turn. */
bool account_begin(struct account_place *place) LODGE_MUST_CHECK;
bool account_is_over(const struct account *account);
void account_pause(struct account *account);

/* What is done whether or not there is time left, until account_pause(). */
void account_resume(struct account *account);

/* It has more to do: it stands at the end of the row. */
void account_wait(struct account_place *place);

/* Everybody is run. */
void account_wake(struct account *account);

/* Whether something may be read beside an answer, which would do without; and one was. */
bool account_may_read_beside(const struct account *account);
void account_has_read_beside(struct account *account);

/* Nobody is run any more, and no call begun: lodged leaves. Those that only their debts have kept
 * are freed. */
void accounts_close(struct account *accounts);

/* Bytes: what a connection has read and not handled, and what it has not sent. Whoever waits for
 * room is run when there is some. */
void account_weigh(struct account_place *place, size_t read, size_t unsent);

/* Whether there is room to read on in this place; to answer one more request in any. If not, all
 * places are run when that may have changed. */
bool account_may_read(struct account_place *place);
bool account_may_answer(struct account *account);

/* One place at a time may make a tree of a long line; whoever may not is run when that has ended.
 */
bool account_take_long(struct account_place *place) LODGE_MUST_CHECK;
void account_give_long(struct account_place *place);

/* Whether somebody waits for bytes. */
bool account_is_short(const struct account *account);

/* Something came in this place. */
void account_has_read(struct account_place *place);

/* There is more to read in this place: it goes on in place of the one that may, and of which
 * nothing has come for ACCOUNT_PATIENCE_MS. */
void account_offer(struct account_place *place, uint64_t now_ms);

/* Seats, see seats.h. Whoever stands in line is begun in the account's time. */
bool account_sit(struct account *account, enum seat_kind kind, const void *host,
                 struct sitter *sitter);
void account_stand_up(struct account *account, struct sitter *sitter);

#endif
