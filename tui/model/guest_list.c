/*
 * guest_list: rows in view are collected and sorted anew after facts, filter or order have changed,
 * and for samples at most every SORT_MS. A row's `rank` is its place at the last refresh: while the
 * order is held rows are sorted by that, so what is new comes last.
 *
 * The array is the list's, the rows are the model's.
 */
#include "model/guest_list.h"

#include "memory.h"
#include "scope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Samples come each second for every guest; sorting by them oftener would only make rows dance. A
 * little less than a second, so that a burst that comes a moment early is not drawn unsorted. */
#define SORT_MS 900

void guest_list_init(struct guest_list *list)
{
    *list = (struct guest_list){.sort = column_find("name"), .dirty = true};
}

void guest_list_done(struct guest_list *list)
{
    free(list->rows);
    query_free(list->query);
}

static bool row_is_wanted(const struct guest_list *list, const struct model_row *row)
{
    if (list->hide_stopped && row->vm.state == LODGE_VM_SHUTOFF) {
        return false;
    }
    return list->query == NULL || query_matches(list->query, &row->vm);
}

static int compare_unknown(bool a_unknown, bool b_unknown)
{
    return (int)a_unknown - (int)b_unknown;
}

static int compare_by_column(const struct guest_list *list, const struct model_row *a,
                             const struct model_row *b)
{
    const struct column *column = list->sort;
    int sign = list->descending ? -1 : 1;

    if (column->number != NULL) {
        double left = column->number(a);
        double right = column->number(b);
        if (isnan(left) || isnan(right)) {
            return compare_unknown(isnan(left), isnan(right));
        }
        return sign * ((left > right) - (left < right));
    }
    const char *left = column->text(a);
    const char *right = column->text(b);
    if (left == NULL || right == NULL) {
        return compare_unknown(left == NULL, right == NULL);
    }
    return sign * strverscmp(left, right); /* web-2 before web-10 */
}

static int compare_sorted(const void *left, const void *right, void *data)
{
    const struct model_row *a = *(struct model_row *const *)left;
    const struct model_row *b = *(struct model_row *const *)right;
    int order = compare_by_column(data, a, b);

    if (order == 0) {
        order = strverscmp(a->vm.name, b->vm.name);
    }
    if (order == 0) {
        order = strcmp(a->vm.host, b->vm.host);
    }
    return order == 0 ? strcmp(a->vm.uuid, b->vm.uuid) : order;
}

/* The order of the last sort; what is new since comes last. */
static int compare_held(const void *left, const void *right, void *data)
{
    const struct model_row *a = *(struct model_row *const *)left;
    const struct model_row *b = *(struct model_row *const *)right;

    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return compare_sorted(left, right, data);
}

static void collect_rows(struct guest_list *list, const struct model *model)
{
    if (list->capacity < model->count) {
        list->capacity = model->count + model->count / 4;
        list->rows = xrealloc(list->rows, list->capacity * sizeof(struct model_row *));
    }
    list->count = 0;
    list->hidden = 0;
    for (size_t i = 0; i < model->count; i++) {
        struct model_row *row = model->rows[i];
        if (row_is_wanted(list, row)) {
            list->rows[list->count++] = row;
        } else {
            row->rank = SIZE_MAX;
            list->hidden += row->gone_ms == 0;
        }
    }
}

static void remember_cursor(struct guest_list *list)
{
    const struct model_row *row = guest_list_selected(list);

    if (row != NULL) {
        snprintf(list->host, sizeof list->host, "%s", row->vm.host);
        memcpy(list->uuid, row->vm.uuid, sizeof list->uuid);
    }
}

/* Puts the cursor on its guest; if that has left the list, on who stands in its place. */
static void find_cursor(struct guest_list *list, const struct model *model)
{
    const struct model_row *row = list->moved ? model_find(model, list->host, list->uuid) : NULL;

    if (row != NULL && row->rank < list->count && list->rows[row->rank] == row) {
        list->cursor = row->rank;
    } else if (!list->moved) {
        list->cursor = 0;
    }
    if (list->cursor >= list->count) {
        list->cursor = list->count == 0 ? 0 : list->count - 1;
    }
    remember_cursor(list);
}

bool guest_list_is_held(const struct guest_list *list, const struct model *model)
{
    return model->now_ms < list->held_until_ms;
}

/* Whether samples may change what is in view or its order. */
static bool samples_matter(const struct guest_list *list)
{
    return list->sort->number != NULL ||
           (list->query != NULL && query_sample_column(list->query) > 0);
}

int64_t guest_list_due_ms(const struct guest_list *list, const struct model *model)
{
    if (guest_list_is_held(list, model)) {
        return list->held_until_ms;
    }
    bool waiting = samples_matter(list) && list->samples_seen != model->samples;
    return waiting ? list->sorted_ms + SORT_MS : 0;
}

void guest_list_refresh(struct guest_list *list, const struct model *model)
{
    bool held = guest_list_is_held(list, model) && !list->dirty;
    bool facts = list->facts_seen != model->facts;
    bool released = list->held_until_ms != 0 && !guest_list_is_held(list, model);
    bool samples = samples_matter(list) && list->samples_seen != model->samples &&
                   model->now_ms - list->sorted_ms >= SORT_MS;

    if (!list->dirty && !facts && !released && (held || !samples)) {
        return;
    }
    collect_rows(list, model);
    if (list->count > 1) { /* and rows is not NULL */
        qsort_r(list->rows, list->count, sizeof(struct model_row *),
                held ? compare_held : compare_sorted, list);
    }
    for (size_t i = 0; i < list->count; i++) {
        list->rows[i]->rank = i;
    }
    if (!held) {
        list->sorted_ms = model->now_ms;
        list->held_until_ms = 0;
        list->samples_seen = model->samples;
    }
    list->facts_seen = model->facts;
    list->dirty = false;
    find_cursor(list, model);
}

void guest_list_move(struct guest_list *list, long by, int64_t now_ms)
{
    long last = (long)list->count - 1;
    long to = (long)list->cursor + by;

    list->held_until_ms = now_ms + LIST_HOLD_MS;
    list->moved = true;
    if (last >= 0) {
        list->cursor = (size_t)(to < 0 ? 0 : to > last ? last : to);
    }
    remember_cursor(list);
}

void guest_list_scroll(struct guest_list *list, size_t page)
{
    if (page == 0) {
        return;
    }
    if (list->top + page > list->count) {
        list->top = list->count > page ? list->count - page : 0;
    }
    if (list->cursor < list->top) {
        list->top = list->cursor;
    } else if (list->cursor >= list->top + page) {
        list->top = list->cursor - page + 1;
    }
}

struct model_row *guest_list_selected(const struct guest_list *list)
{
    return list->cursor < list->count ? list->rows[list->cursor] : NULL;
}

/* What stands before the term that cannot be read. */
static struct query *parse_before(const char *text, int column)
{
    struct lodge_error err = {0};
    size_t length = column > 0 ? (size_t)column - 1 : 0;

    length = length > strlen(text) ? strlen(text) : length;
    while (length > 0 && text[length - 1] != ' ') {
        length--;
    }
    AUTO(free) char *before = xstrndup(text, length);
    return query_parse(before, &err);
}

void guest_list_set_filter(struct guest_list *list, const char *text)
{
    struct lodge_error err = {0};

    snprintf(list->filter, sizeof list->filter, "%s", text);
    query_free(list->query);
    list->query = query_parse(text, &err);
    if (list->query == NULL) {
        list->query = parse_before(text, err.column);
    }
    list->error = err;
    list->dirty = true;
}

void guest_list_set_sort(struct guest_list *list, const struct column *column, bool descending)
{
    list->sort = column;
    list->descending = descending;
    list->dirty = true;
}
