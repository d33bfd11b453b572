/*
 * words: a verb of the command line is one of the TUI's commands, and that has a key; what the
 * TUI cannot do is said as it is typed. No state.
 */
#include "words.h"

#include "cli/terms.h"
#include "input/keymap.h"
#include "scope.h"

#include <string.h>

static const struct {
    const char *verb;
    const char *command;
} same[] = {
    {"start", "start"},   {"resume", "start"},      {"shutdown", "shutdown"}, {"reboot", "reboot"},
    {"pause", "pause"},   {"save", "save"},         {"stop", "force-off"},    {"rm", "delete"},
    {"create", "create"}, {"vnc", "vnc"},           {"show", "open"},         {"ls", "vms"},
    {"hosts", "hosts"},   {"quota", "quotas"},      {"watch", "events"},      {"ops", "tasks"},
    {"ops %", "tasks"},   {"sessions", "sessions"},
};

/* The first that the command has. */
static const char *key_of(const void *data, const char *verb)
{
    static char key[16]; /* borrowed until the next call: there is one thread */
    const struct command_set *commands = data;
    for (size_t i = 0; i < ARRAY_LENGTH(same) && commands != NULL; i++) {
        if (strcmp(same[i].verb, verb) != 0) {
            continue;
        }
        const char *name = same[i].command;
        const struct command *command = keymap_find_name(commands, name, strlen(name));
        size_t length = command == NULL || command->keys == NULL ? 0 : strcspn(command->keys, " ");
        if (length == 0 || length >= sizeof key) {
            return NULL;
        }
        memcpy(key, command->keys, length);
        key[length] = '\0';
        return key;
    }
    return NULL;
}

char *words_of(const struct command_set *commands, const char *text, int64_t op)
{
    return text == NULL ? NULL : terms_for_keys(text, op, key_of, commands);
}

const char *words_for_kind(const char *kind)
{
    return kind == NULL ? "" : strncmp(kind, "vm.", 3) == 0 ? kind + 3 : kind;
}
