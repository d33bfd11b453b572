/*
 * listing: objects of an answer as rows of a table for people: times as they say them, here and
 * now. JSON has them as lodged told them. One thread.
 */
#ifndef TUI_CLI_LISTING_H
#define TUI_CLI_LISTING_H

#include "cli/command.h"
#include "cli/table.h"

#include <json-c/json.h>
#include <stdint.h>

enum { LISTING_COLUMNS = 10 };

enum listing_cell {
    CELL_TEXT,
    CELL_VERB,  /* of an operation's kind */
    CELL_TERMS, /* what lodged says, in the command line's words */
    CELL_TIME,  /* when, by the clock on the wall: of another day with its date */
    CELL_TOOK,  /* from started_at to ended_at, or until now */
    CELL_STEP,  /* of what has not ended */
    CELL_ASKED, /* the parameters of a call, as flags */
    CELL_MIB,   /* a size */
    CELL_GIB,
};

/* A table of the objects in member `list` of a result: a column per member. */
struct listing {
    const char *list;
    const char *empty; /* what is said when there are none */
    size_t count;
    struct table_column columns[LISTING_COLUMNS];
    const char *members[LISTING_COLUMNS]; /* a.b is member b of object a; a|b is b without an a */
    enum listing_cell cells[LISTING_COLUMNS];
};

/* As JSON where that is asked for, else as a table, fitted to the terminal if it is one. */
void listing_print(const struct command *command, const struct listing *listing,
                   const char *result);

/* Member a.b of `item`, borrowed; NULL: it has none. */
const char *listing_text(struct json_object *item, const char *path);

/* The first of "a|b.c" that is there. */
const char *listing_cell(struct json_object *item, const char *members);

/* A time for people (ms since 1970), as of `now_ms`: "14:03:22", "Nov 28 14:03:22",
 * "2025-11-28 14:03". */
enum { LISTING_TIME = 24 };
const char *listing_time(char text[LISTING_TIME], int64_t time_ms, int64_t now_ms);

/* "0.8s", "12s", "4m". */
const char *listing_took(char text[LISTING_TIME], int64_t ms);

#endif
