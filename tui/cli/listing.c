/* listing: an answer's objects go through a table of columns into a table of cells. No state. */
#include "cli/listing.h"

#include "cli/asked.h"
#include "cli/print.h"
#include "cli/terms.h"
#include "fields.h"
#include "memory.h"
#include "units.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MS_PER_S = 1000, TENTHS_BELOW_S = 10 };

DEFINE_AUTO(struct table *, table_free, NULL);
DEFINE_AUTO(struct json_object *, json_object_put, NULL);

const char *listing_text(struct json_object *item, const char *path)
{
    AUTO(free) char *copy = xstrdup(path);
    char *rest = copy;
    for (char *word; item != NULL && (word = strsep(&rest, ".")) != NULL;) {
        item = json_object_object_get(item, word);
    }
    return item == NULL ? NULL : json_object_get_string(item);
}

const char *listing_cell(struct json_object *item, const char *members)
{
    AUTO(free) char *copy = xstrdup(members);
    char *rest = copy;
    const char *text = NULL;
    for (char *path; text == NULL && (path = strsep(&rest, "|")) != NULL;) {
        text = listing_text(item, path);
    }
    return text;
}

const char *listing_time(char text[LISTING_TIME], int64_t time_ms, int64_t now_ms)
{
    struct tm when;
    struct tm now;
    time_t seconds = (time_t)(time_ms / MS_PER_S);
    time_t now_seconds = (time_t)(now_ms / MS_PER_S);
    localtime_r(&seconds, &when);
    localtime_r(&now_seconds, &now);
    bool same_year = when.tm_year == now.tm_year;
    bool same_day = same_year && when.tm_yday == now.tm_yday;
    size_t length = strftime(text, LISTING_TIME,
                             same_day    ? "%H:%M:%S"
                             : same_year ? "%b %e %H:%M:%S"
                                         : "%Y-%m-%d %H:%M",
                             &when);
    text[length] = '\0';
    return text;
}

const char *listing_took(char text[LISTING_TIME], int64_t ms)
{
    char span[UNIT_TEXT];
    if (ms >= 0 && ms / MS_PER_S < TENTHS_BELOW_S) {
        int64_t tenths = ms / 100;
        snprintf(text, LISTING_TIME, "%lld.%llds", (long long)tenths / 10, (long long)tenths % 10);
    } else {
        snprintf(text, LISTING_TIME, "%s", duration_text(span, ms < 0 ? -1 : ms / MS_PER_S));
    }
    return text;
}

static int64_t now_in_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / 1000000;
}

static bool time_of(struct json_object *item, const char *member, int64_t *ret_ms)
{
    const char *text = listing_cell(item, member);
    return text != NULL && time_from_text(text, ret_ms);
}

static int64_t op_of(struct json_object *item)
{
    return json_object_get_int64(json_object_object_get(item, "op"));
}

/* The caller frees; NULL is empty. */
static char *make_cell(const struct listing *listing, size_t column, struct json_object *item)
{
    char text[LISTING_TIME];
    int64_t began = 0;
    int64_t ended = 0;
    char size[UNIT_TEXT];
    const char *said = listing_cell(item, listing->members[column]);
    switch (listing->cells[column]) {
    case CELL_TEXT:
        break;
    case CELL_VERB:
        return terms_what(said, op_of(item));
    case CELL_ASKED:
        return asked_text(listing_text(item, "method"), json_object_object_get(item, "params"));
    case CELL_TERMS:
        return said == NULL ? NULL : terms_for_people(said, op_of(item), TERMS_ANY_FLAG);
    case CELL_TIME:
        return time_of(item, listing->members[column], &began)
                   ? xstrdup(listing_time(text, began, now_in_ms()))
                   : xstrdup_or_null(said);
    case CELL_TOOK:
        if (!time_of(item, "started_at", &began)) {
            return NULL;
        }
        ended = time_of(item, "ended_at", &ended) ? ended : now_in_ms();
        return xstrdup(listing_took(text, ended - began));
    case CELL_MIB:
        return said == NULL ? NULL : xstrdup(size_text(size, strtoll(said, NULL, 10)));
    case CELL_GIB:
        return said == NULL ? NULL : xstrdup(size_text(size, strtoll(said, NULL, 10) * 1024));
    case CELL_STEP:
        return listing_text(item, "ended_at") != NULL ? NULL : xstrdup_or_null(said);
    }
    return xstrdup_or_null(said);
}

static void add_row(struct table *table, const struct listing *listing, struct json_object *item)
{
    char *cells[LISTING_COLUMNS] = {NULL};
    for (size_t column = 0; column < listing->count; column++) {
        cells[column] = make_cell(listing, column, item);
    }
    table_add(table, (const char *const *)cells);
    for (size_t column = 0; column < listing->count; column++) {
        free(cells[column]);
    }
}

void listing_print(const struct command *command, const struct listing *listing, const char *result)
{
    if (command->json) {
        print_json(stdout, result);
        return;
    }
    AUTO(json_object_put) struct json_object *json = json_tokener_parse(result);
    struct json_object *items = json_object_object_get(json, listing->list);
    size_t count = items == NULL ? 0 : json_object_array_length(items);
    AUTO(table_free) struct table *table = table_new(listing->columns, listing->count);
    for (size_t i = 0; i < count; i++) {
        add_row(table, listing, json_object_array_get_idx(items, i));
    }
    if (count == 0) {
        fprintf(stderr, "%s\n", listing->empty);
    } else {
        table_print(table, print_width(), stdout);
    }
}
