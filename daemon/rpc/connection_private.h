/* connection_private: what a connection is made of, for the files that make it up: connection.c
 * (life), connection_read.c (lines in), connection_write.c (what goes out, and when), batch.c
 * (batches). Loop-only. */
#ifndef RPC_CONNECTION_PRIVATE_H
#define RPC_CONNECTION_PRIVATE_H

#include "frame.h"
#include "jsonrpc.h"
#include "rpc/account.h"
#include "rpc/connection.h"

/* A batch that is being answered: when all of it is known to be JSON its entries run one after the
 * other, and its array is streamed. No more than one entry is in memory as a tree. */
struct batch {
    char *text;
    size_t bytes; /* what it takes */
    struct jsonrpc_batch cut;
    size_t checked; /* entries that are JSON */
    size_t next;
    bool wrote; /* the opening bracket and an answer are out */
    bool waits; /* for the answer of the entry before `next` */
};

/* How far its life is: it goes on from one to a later one only (connection_enter). */
enum connection_phase {
    CONNECTION_OPEN,
    CONNECTION_ENDED,   /* the client will send no more; it gets what it still asked for */
    CONNECTION_LEAVING, /* nothing is handled any more; it hangs up when what is unsent is out */
    CONNECTION_CLOSING, /* it is taken down at the end of this turn */
};

struct connection {
    uv_pipe_t pipe; /* first: freed in its close callback */
    struct connection_owner *owner;
    struct account_place place;
    struct connection_link link; /* in the owner's list */
    enum connection_phase phase;
    uint64_t serial;
    struct identity identity;
    struct frame frame;
    struct buffer out;     /* not yet given to libuv */
    struct buffer sending; /* with libuv */
    struct buffer held;    /* whole lines that wait for the end of a batch's line */
    uv_write_t write;
    bool is_writing;               /* `sending`, by libuv */
    size_t last_untaken;           /* by the client, at the last check */
    uint64_t progress_at;          /* when that last became less, monotonic */
    bool is_reading;               /* libuv reads for it */
    bool is_parsing;               /* a line is being handled further up the stack */
    struct long_line *line;        /* a request that is being parsed; NULL: none is */
    struct batch *batch;           /* NULL: none is open */
    struct connection_call calls;  /* head */
    struct connection_call *works; /* the first that does, in steps; NULL: none does */
    unsigned call_count;
    struct subscriber *subscribers[CONNECTION_SUBSCRIPTIONS_MAX];
    unsigned subscriber_count;
    bool owes_events;  /* they waited for the account's time, … */
    bool events_first; /* … and had it before requests, the last time */
    struct sink sink;
    struct loop_later bury;  /* the closing itself */
    struct loop_later go_on; /* flush, then parse on */
};

/* Bytes on their way that the client has not taken yet. */
size_t connection_queued(const struct connection *connection);

/* Those, and what is held back until an open batch ends. */
size_t connection_unsent(const struct connection *connection);

/* Gives to the socket what it takes now; flush_later at the end of this turn, with all else that
 * comes until then. */
void connection_flush(struct connection *connection);
void connection_flush_later(struct connection *connection);

/* Parses, writes and reads on, as far as each may. A loop_later's run. */
void connection_go_on(void *connection);

void connection_stop_reading(struct connection *connection);

/* Says why, to a request that has no id: `id` is null. */
void connection_fail(struct connection *connection, const struct lodge_error *err);

/* Unless its life is as far, or farther. */
void connection_enter(struct connection *connection, enum connection_phase phase);

/* Whether what the client has sent, or sends, is handled. */
bool connection_handles(const struct connection *connection);

/* After the client said that it sends no more: it still gets what it asked for. */
void connection_close_if_done(struct connection *connection);

/* Tells its account what it holds. */
void connection_weigh(struct connection *connection);

bool batch_is_open(const struct connection *connection);

/* Takes a copy of the line, which was looked over. */
void batch_begin(struct connection *connection, const char *line, size_t length);

/* Checks and runs entries until one must wait, too much is unsent, the account's time of this turn
 * is over, or all are done. */
void batch_run(struct connection *connection);
void batch_free(struct connection *connection);

#endif
