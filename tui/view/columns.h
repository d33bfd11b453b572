/*
 * columns: the table of the guest list. One row has everything about a column: where it may stand,
 * how its cell is drawn, what it sorts by, what help says. To add one is to add a row. No state.
 */
#ifndef TUI_VIEW_COLUMNS_H
#define TUI_VIEW_COLUMNS_H

#include "model/model.h"
#include "view/canvas.h"

struct column {
    const char *name;  /* as in `:sort NAME` */
    const char *title; /* as above the list */
    const char *help;
    int width;       /* least columns of the screen */
    int max_width;   /* grows up to here where there is room; 0: does not */
    int priority;    /* the highest goes first where it is narrow; 0 stays */
    bool right;      /* aligned */
    bool descending; /* sorts so when first chosen: the interesting end on top */
    bool (*wanted)(const struct model *model); /* NULL: always */
    void (*draw)(const struct model *model, const struct model_row *row, struct canvas *canvas,
                 struct area area);
    /* What it sorts by: one of the two. NAN and NULL are unknown, and last in either order. */
    double (*number)(const struct model_row *row);
    const char *(*text)(const struct model_row *row);
};

extern const struct column columns[];
extern const size_t column_count;

/* NULL if there is none so called. */
const struct column *column_find(const char *name);

/* The next (step 1) or last (step -1) one that can be sorted by. */
const struct column *column_neighbour(const struct column *column, int step);

struct placed_column {
    const struct column *column;
    int x, width;
};

#define COLUMNS_MAX 24

/* Chooses and places what fits into `width`; returns how many (at most COLUMNS_MAX). */
size_t columns_place(const struct model *model, int width,
                     struct placed_column ret_placed[COLUMNS_MAX]);

/* The letter that stands for how a guest is, and its role. */
char vm_letter(const struct model *model, const struct model_row *row, enum style_role *ret_role);

/* How a guest is, in words: "hung 14s: no answer", "paused (ioerror)". */
void vm_status(const struct model *model, const struct model_row *row, char *text, size_t size);

#endif
