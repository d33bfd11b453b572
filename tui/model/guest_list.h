/*
 * guest_list: which guests are in view, in which order, and where the cursor is.
 *
 * The cursor belongs to a guest (host and uuid), not to a line. Rows do not move under the user's
 * hand: for two seconds after a cursor key the order is held, and only what appears (at the end)
 * and disappears changes. Pointers to rows are valid until the next model_expire(). One thread.
 */
#ifndef TUI_MODEL_GUEST_LIST_H
#define TUI_MODEL_GUEST_LIST_H

#include "model/model.h"
#include "query.h"
#include "view/columns.h"

#define LIST_HOLD_MS 2000

struct guest_list {
    struct model_row **rows; /* in view, in order */
    size_t count;
    size_t capacity;
    size_t hidden;  /* guests that the filter or `hide stopped` keeps out */
    size_t cursor;  /* index into rows; 0 when empty */
    size_t top;     /* the first row on the screen */
    char host[128]; /* the guest under the cursor */
    char uuid[37];
    bool moved; /* the user has moved the cursor: it follows its guest from then on */

    const struct column *sort;
    bool descending;
    bool hide_stopped;
    int64_t held_until_ms;
    int64_t sorted_ms;
    unsigned facts_seen;   /* model.facts at the last refresh */
    unsigned samples_seen; /* model.samples at the last refresh */
    bool dirty;            /* sort or filter changed by the user */

    char filter[1024];        /* as typed */
    struct query *query;      /* as much of it as can be read; NULL: everything */
    struct lodge_error error; /* why the filter as typed cannot be read; column in .column */
};

void guest_list_init(struct guest_list *list);
void guest_list_done(struct guest_list *list);

/* Brings rows, order and cursor up to date with the model if it changed. */
void guest_list_refresh(struct guest_list *list, const struct model *model);

/* When a refresh is due that no event announces (a held order ends, samples wait to be sorted);
 * 0: none is. */
int64_t guest_list_due_ms(const struct guest_list *list, const struct model *model);

/* Moves the cursor by so many rows, holds the order. */
void guest_list_move(struct guest_list *list, long by, int64_t now_ms);

/* Keeps the cursor on a page of so many rows. */
void guest_list_scroll(struct guest_list *list, size_t page);

/* NULL when the list is empty. */
struct model_row *guest_list_selected(const struct guest_list *list);

/* Sets the filter as typed; from the term on that cannot be read it is left out, with `error`
 * set: half a word of a filter that is being typed must not empty the list. */
void guest_list_set_filter(struct guest_list *list, const char *text);

void guest_list_set_sort(struct guest_list *list, const struct column *column, bool descending);

/* Whether the order is held just now, for the sign beside the sort's name. */
bool guest_list_is_held(const struct guest_list *list, const struct model *model);

#endif
