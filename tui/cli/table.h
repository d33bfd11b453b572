/*
 * table: rows and columns of text, made to fit.
 *
 * A column that is empty in every row is left out. On a terminal (width > 0) the columns that may
 * be cut are cut first, then the ones with the highest rank go. One thread.
 */
#ifndef TUI_CLI_TABLE_H
#define TUI_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table_column {
    const char *title;
    bool right;   /* numbers */
    int cut_to;   /* may be cut to so many cells; 0: never cut */
    bool cut_end; /* of its text the end goes, not the middle */
    int rank;     /* 0 always stays; the higher, the sooner it goes when there is no room */
};

struct table;

/* `columns` is borrowed. Aborts when memory is out, as all of it. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table); /* NULL is fine */

/* Adds a row: one cell per column, copied and made harmless; NULL is empty. */
void table_add(struct table *table, const char *const *cells);

/* `width` 0 is as wide as it gets. */
void table_print(const struct table *table, size_t width, FILE *out);

#endif
