/* keymap: the keys stand in the command table as text; a look-up reads them. There are some fifty,
 * and nobody types fast enough to notice. */
#include "input/keymap.h"

#include <string.h>

const char *keymap_next_key(const struct command *command, const char *after, char name[16])
{
    const char *at = after == NULL ? command->keys : after;

    if (at == NULL) {
        return NULL;
    }
    at += strspn(at, " ");
    size_t length = strcspn(at, " ");
    if (length == 0 || length >= 16) {
        return NULL;
    }
    memcpy(name, at, length);
    name[length] = '\0';
    return at + length;
}

const struct command *keymap_find_name(const struct command_set *set, const char *name,
                                       size_t length)
{
    const struct command *found = NULL;

    for (size_t i = 0; i < set->count; i++) {
        const struct command *command = &set->rows[i];
        if (strncmp(command->name, name, length) != 0) {
            continue;
        }
        if (command->name[length] == '\0') {
            return command;
        }
        if (found != NULL) {
            return NULL;
        }
        found = command;
    }
    return length == 0 ? NULL : found;
}

const struct command *keymap_find(const struct command_set *set, enum view_id view, struct key key)
{
    for (size_t i = 0; i < set->count; i++) {
        char name[16];
        const char *at = NULL;
        if ((set->rows[i].views & (1U << view)) == 0) {
            continue;
        }
        while ((at = keymap_next_key(&set->rows[i], at, name)) != NULL) {
            if (key_from_name(name).code == key.code) {
                return &set->rows[i];
            }
        }
    }
    return NULL;
}
