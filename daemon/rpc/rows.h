/*
 * rows: a page of rows from the store, written in its user's part of each turn of the loop: a
 * thousand, cleaned for whoever asks, take longer than others should wait. Loop-only.
 */
#ifndef RPC_ROWS_H
#define RPC_ROWS_H

#include "rpc/call.h"

struct row_page;

struct row_kind {
    const char *name; /* the member that has them */
    /* Writes row `i`, by row_begin(), unless the caller may not see it; then frees it. */
    void (*write)(struct row_page *page, struct call *call, size_t i);
    /* Frees those from `i` on, and the page. */
    void (*free)(struct row_page *page, size_t i);
};

/* Embed, zeroed, with these three set. */
struct row_page {
    struct call_work work; /* first */
    const struct row_kind *kind;
    size_t count;
    int64_t cursor; /* of the next page; LODGE_UNKNOWN: there is none */

    size_t next, written;
    struct buffer result;
};

/* Gives the page away: answers the call, in this turn or later. */
void rows_reply(struct call *call, struct row_page *page);

/* Where a row's object goes. */
struct buffer *row_begin(struct row_page *page);

#endif
