/* settings: a few lines in a file of the user's. */
#include "model/settings.h"

#include "memory.h"
#include "scope.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SETTINGS_BYTES 512

void settings_write(const struct view_state *state, char *text, size_t size)
{
    snprintf(text, size, "sort %s\ndescending %d\nheader %d\nzoom %d\n", state->list.sort->name,
             state->list.descending, state->header_lines, state->zoomed);
}

static void read_setting(struct view_state *state, const char *key, const char *value)
{
    const struct column *column = column_find(value);
    int number = value[0] - '0';
    bool is_digit = number >= 0 && number <= 2 && value[1] == '\0';

    if (strcmp(key, "sort") == 0 && column != NULL &&
        (column->number != NULL || column->text != NULL)) {
        guest_list_set_sort(&state->list, column, column->descending);
    } else if (strcmp(key, "descending") == 0 && is_digit) {
        guest_list_set_sort(&state->list, state->list.sort, number == 1);
    } else if (strcmp(key, "header") == 0 && is_digit) {
        state->header_lines = number;
    } else if (strcmp(key, "zoom") == 0 && is_digit) {
        state->zoomed = number == 1;
    }
}

void settings_read(struct view_state *state, const char *text)
{
    char key[32];
    char value[32];
    int used;

    while (sscanf(text, " %31s %31s%n", key, value, &used) == 2) {
        read_setting(state, key, value);
        text += used;
    }
}

/* The file, its folders made if `make`; NULL if there is no home for it. */
static char *settings_path(bool make)
{
    const char *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    AUTO(free) char *folder = NULL;

    if (base != NULL && base[0] == '/') {
        folder = xasprintf("%s/lodge", base);
    } else if (home != NULL && home[0] == '/') {
        folder = xasprintf("%s/.local/state/lodge", home);
    } else {
        return NULL;
    }
    for (char *slash = folder + 1; make && slash != NULL;) {
        slash = strchr(slash, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        (void)mkdir(folder, 0700);
        if (slash != NULL) {
            *slash++ = '/';
        }
    }
    return xasprintf("%s/console", folder);
}

static bool read_settings_file(char text[SETTINGS_BYTES])
{
    AUTO(free) char *path = settings_path(false);
    FILE *file = path == NULL ? NULL : fopen(path, "re");

    if (file == NULL) {
        return false;
    }
    size_t length = fread(text, 1, SETTINGS_BYTES - 1, file);
    text[length] = '\0';
    fclose(file);
    return true;
}

void settings_load(struct view_state *state)
{
    char text[SETTINGS_BYTES];

    if (read_settings_file(text)) {
        settings_read(state, text);
    }
}

void settings_save(const struct view_state *state)
{
    char before[SETTINGS_BYTES] = "";
    char text[SETTINGS_BYTES];

    settings_write(state, text, sizeof text);
    (void)read_settings_file(before);
    if (strcmp(before, text) == 0) {
        return;
    }
    AUTO(free) char *path = settings_path(true);
    if (path == NULL) {
        return;
    }
    AUTO(free) char *fresh = xasprintf("%s.new", path);
    FILE *file = fopen(fresh, "we");
    if (file == NULL) {
        return;
    }
    bool written = fputs(text, file) >= 0;
    if (fclose(file) == 0 && written) {
        (void)rename(fresh, path);
    }
}
