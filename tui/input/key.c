/* key: the names of those that are not characters. */
#include "input/key.h"

#include "scope.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

static const struct {
    const char *name;
    uint32_t code;
} names[] = {
    {"Tab", KEY_CODE_TAB},      {"Enter", KEY_CODE_ENTER},         {"Esc", KEY_CODE_ESC},
    {"Space", KEY_CODE_SPACE},  {"Backspace", KEY_CODE_BACKSPACE}, {"Up", KEY_CODE_UP},
    {"Down", KEY_CODE_DOWN},    {"Left", KEY_CODE_LEFT},           {"Right", KEY_CODE_RIGHT},
    {"PgUp", KEY_CODE_PAGE_UP}, {"PgDn", KEY_CODE_PAGE_DOWN},      {"Home", KEY_CODE_HOME},
    {"End", KEY_CODE_END},      {"Del", KEY_CODE_DELETE},          {"S-Tab", KEY_CODE_BACK_TAB},
};

struct key key_from_name(const char *name)
{
    unsigned number;
    char rest;

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            return (struct key){names[i].code};
        }
    }
    if (sscanf(name, "F%2u%c", &number, &rest) == 1 && number >= 1 && number <= 12) {
        return (struct key){KEY_CODE_F0 + number};
    }
    if (strncmp(name, "C-", 2) == 0 && name[2] >= 'a' && name[2] <= 'z' && name[3] == '\0') {
        return (struct key){(uint32_t)(name[2] - 'a' + 1)};
    }
    if (name[0] > ' ' && name[0] < 0x7f && name[1] == '\0') {
        return (struct key){(uint32_t)name[0]};
    }
    return (struct key){0};
}

void key_print(struct key key, char *text, size_t size)
{
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (names[i].code == key.code) {
            snprintf(text, size, "%s", names[i].name);
            return;
        }
    }
    if (key.code > KEY_CODE_F0 && key.code <= KEY_CODE_F12) {
        snprintf(text, size, "F%u", key.code - KEY_CODE_F0);
    } else if (key.code < ' ') {
        snprintf(text, size, "C-%c", (char)('a' + key.code - 1));
    } else if (key.code < 0x7f) {
        snprintf(text, size, "%c", (char)key.code);
    } else {
        snprintf(text, size, "U+%04X", key.code);
    }
}
