/*
 * strings: a growing array of copies, which the list owns. Running out of memory is reported: a
 * library does not end its host.
 */
#include "lodge/strings.h"

#include <stdlib.h>
#include <string.h>

bool lodge_strings_add(struct lodge_strings *list, const char *text)
{
    char *copy = strdup(text);
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items != NULL) {
        list->items = items; /* the old block is gone, whatever becomes of the copy */
    }
    if (copy == NULL || items == NULL) {
        free(copy);
        return false;
    }
    list->items[list->count++] = copy;
    return true;
}

bool lodge_strings_contain(const struct lodge_strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void lodge_strings_clear(struct lodge_strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct lodge_strings){0};
}
