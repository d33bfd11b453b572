/*
 * outcome: one line of what was done, how long it took, and what stayed behind, with paths as they
 * may be shown.
 */
#include "outcome.h"

#include "scope.h"
#include "text.h"
#include "words.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(json_object *, json_object_put, NULL);

/* As it may be shown: whoever wrote a definition chose what its files are called. */
static char *shown_member(struct json_object *object, const char *name)
{
    const char *text = json_object_get_string(json_object_object_get(object, name));
    return text_visible(text == NULL ? "?" : text);
}

/* What vm.delete left, the first of it: the verb lists all. */
static void say_first_kept(struct json_object *result, char *text, size_t size)
{
    struct json_object *kept = json_object_object_get(result, "kept");
    size_t count = json_object_is_type(kept, json_type_array) ? json_object_array_length(kept) : 0;
    if (count == 0) {
        return;
    }
    struct json_object *first = json_object_array_get_idx(kept, 0);
    char more[40] = "";
    if (count > 1) {
        (void)snprintf(more, sizeof more, " (and %zu more)", count - 1);
    }
    AUTO(free) char *path = shown_member(first, "path");
    AUTO(free) char *why = shown_member(first, "why");
    if (path != NULL && why != NULL) {
        (void)snprintf(text, size, "; kept %s: %s%s", path, why, more);
    }
}

/* The first of a list of texts in the result, as it may be shown, and how many there are; NULL. The
 * caller frees. */
static char *first_of(struct json_object *result, const char *name, size_t *ret_count)
{
    struct json_object *list = json_object_object_get(result, name);
    *ret_count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    const char *first =
        *ret_count == 0 ? NULL : json_object_get_string(json_object_array_get_idx(list, 0));
    return first == NULL ? NULL : text_visible(first);
}

/* What vm.update took out of its definition, the first of it. */
static void say_dropped_first(struct json_object *result, char *text, size_t size)
{
    size_t count = 0;
    AUTO(free) char *words = first_of(result, "dropped", &count);
    if (words != NULL && count > 1) {
        (void)snprintf(text, size, "; it no longer has %s (and %zu more)", words, count - 1);
    } else if (words != NULL) {
        (void)snprintf(text, size, "; it no longer has %s", words);
    }
}

/* The first of what should be known of it; the others are with the operation. */
static void say_note(const struct command_set *commands, struct json_object *result, char *text,
                     size_t size)
{
    size_t count = 0;
    AUTO(free) char *shown = first_of(result, "notes", &count);
    AUTO(free) char *words = words_of(commands, shown, 0);
    if (words != NULL) {
        (void)snprintf(text, size, "; %s", words);
    }
}

void outcome_say(const struct command_set *commands, const char *what, double seconds,
                 const char *result, const struct lodge_error *error, char *ret_text, size_t size)
{
    if (error != NULL) {
        AUTO(free) char *words = words_of(commands, error->message, error->op);
        (void)snprintf(ret_text, size, "%s: %s", what, words);
        return;
    }
    int used = snprintf(ret_text, size, "%s: done in %.1f s", what, seconds);
    AUTO(json_object_put)
    struct json_object *json = result == NULL ? NULL : json_tokener_parse(result);
    if (used > 0 && (size_t)used < size && json_object_is_type(json, json_type_object)) {
        say_first_kept(json, ret_text + used, size - (size_t)used);
        if (ret_text[used] == '\0') {
            say_note(commands, json, ret_text + used, size - (size_t)used);
        }
        used = (int)strlen(ret_text);
        say_dropped_first(json, ret_text + used, size - (size_t)used);
    }
}
