/* table: measures first, then decides what there is room for, then prints. Owns copies of cells. */
#include "cli/table.h"

#include "memory.h"
#include "scope.h"
#include "text.h"

#include <string.h>

enum { GAP = 2, COLUMNS_MAX = 32, USUAL = 32 };

struct table {
    const struct table_column *columns;
    size_t column_count;
    char **cells; /* row after row */
    size_t row_count;
    size_t row_room;
    size_t widths[COLUMNS_MAX]; /* of the widest cell, 0: all are empty … */
    size_t usual[COLUMNS_MAX];  /* … and of those that are no wider than USUAL */
};

struct table *table_new(const struct table_column *columns, size_t count)
{
    if (count > COLUMNS_MAX) {
        abort();
    }
    struct table *table = xcalloc(1, sizeof *table);
    table->columns = columns;
    table->column_count = count;
    return table;
}

void table_free(struct table *table)
{
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->row_count * table->column_count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(table);
}

void table_add(struct table *table, const char *const *cells)
{
    if (table->row_count == table->row_room) {
        table->row_room = table->row_room == 0 ? 64 : table->row_room * 2;
        table->cells =
            xrealloc(table->cells, table->row_room * table->column_count * sizeof *table->cells);
    }
    char **row = &table->cells[table->row_count * table->column_count];
    table->row_count++;
    for (size_t i = 0; i < table->column_count; i++) {
        row[i] = text_visible(cells[i] ? cells[i] : "");
        if (!row[i]) {
            abort();
        }
        size_t width = text_width(row[i]);
        if (width > table->widths[i]) {
            table->widths[i] = width;
        }
        if (width > table->usual[i] && width <= USUAL) {
            table->usual[i] = width;
        }
    }
}

static size_t total(const struct table *table, const size_t *widths)
{
    size_t cells = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        cells += widths[i] == 0 ? 0 : widths[i] + (cells == 0 ? 0 : GAP);
    }
    return cells;
}

/* The column that goes next, or column_count when all that are left stay. */
static size_t least_wanted(const struct table *table, const size_t *widths)
{
    size_t found = table->column_count;
    for (size_t i = 0; i < table->column_count; i++) {
        int rank = table->columns[i].rank;
        if (widths[i] > 0 && rank > 0 &&
            (found == table->column_count || rank > table->columns[found].rank)) {
            found = i;
        }
    }
    return found;
}

/* Takes up to `over` cells from the columns that may be cut, first ones first. */
static void cut_cell(const struct table *table, size_t *widths, size_t over)
{
    for (size_t i = 0; i < table->column_count && over > 0; i++) {
        size_t least = (size_t)table->columns[i].cut_to;
        if (least > 0 && widths[i] > least) {
            size_t taken = widths[i] - least < over ? widths[i] - least : over;
            widths[i] -= taken;
            over -= taken;
        }
    }
}

/* Where nothing is cut, what is longer than usual goes beyond its column, and pads no other row. */
static size_t wide_enough(const struct table *table, size_t column, bool is_cut)
{
    size_t title = text_width(table->columns[column].title);
    size_t widest = table->widths[column];
    if (widest > USUAL && !is_cut) {
        widest = table->usual[column] > 0 ? table->usual[column] : title;
    }
    return widest == 0 || widest > title ? widest : title;
}

/* Tries with all columns, then without the least wanted, until what can be cut makes the rest fit.
 */
static void fit_columns(const struct table *table, size_t width, size_t *widths)
{
    bool gone[COLUMNS_MAX] = {false};
    for (;;) {
        for (size_t i = 0; i < table->column_count; i++) {
            widths[i] = gone[i] ? 0 : wide_enough(table, i, width > 0);
        }
        if (width == 0 || total(table, widths) <= width) {
            return;
        }
        cut_cell(table, widths, total(table, widths) - width);
        size_t goes = least_wanted(table, widths);
        if (total(table, widths) <= width || goes == table->column_count) {
            return;
        }
        gone[goes] = true;
    }
}

static void print_table_row(const struct table *table, const size_t *widths, bool is_cut,
                            const char *const *cells, FILE *out)
{
    char fitted[4096];
    size_t pending = 0; /* spaces owed: none are printed at a line's end */
    bool first = true;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] == 0) {
            continue;
        }
        enum text_cut where = table->columns[i].cut_end ? TEXT_CUT_END : TEXT_CUT_MIDDLE;
        size_t used = is_cut ? text_fit(fitted, sizeof fitted, cells[i], widths[i], where)
                             : text_width(cells[i]);
        size_t rest = widths[i] > used ? widths[i] - used : 0;
        pending += (first ? 0 : GAP) + (table->columns[i].right ? rest : 0);
        if (used > 0) {
            fprintf(out, "%*s%s", (int)pending, "", is_cut ? fitted : cells[i]);
            pending = 0;
        }
        pending += table->columns[i].right ? 0 : rest;
        first = false;
    }
    fputc('\n', out);
}

void table_print(const struct table *table, size_t width, FILE *out)
{
    size_t widths[COLUMNS_MAX];
    const char *titles[COLUMNS_MAX];
    fit_columns(table, width, widths);
    for (size_t i = 0; i < table->column_count; i++) {
        titles[i] = table->columns[i].title;
    }
    print_table_row(table, widths, width > 0, titles, out);
    for (size_t i = 0; i < table->row_count; i++) {
        const char *const *row = (const char *const *)&table->cells[i * table->column_count];
        print_table_row(table, widths, width > 0, row, out);
    }
}
