/* help: made of the command table and the column table, so that it cannot be out of date. */
#include "view/view.h"

#include "input/keymap.h"
#include "scope.h"
#include "view/columns.h"
#include "view/lines.h"

#include <stdio.h>
#include <string.h>

#define INDENT 24

static void draw_heading(struct lines *lines, const char *text)
{
    if (lines->line > 0) {
        lines_take(lines, 1);
    }
    canvas_text(lines->canvas, lines_take(lines, 1), STYLE(ROLE_ACCENT), text);
}

static void draw_command_help(struct lines *lines, const struct command *command)
{
    char keys[64] = "";
    char name[16];
    const char *at = NULL;

    while ((at = keymap_next_key(command, at, name)) != NULL) {
        size_t length = strlen(keys);
        snprintf(keys + length, sizeof keys - length, "%s%s", length == 0 ? "" : " ", name);
    }
    if (command->keys == NULL) {
        snprintf(keys, sizeof keys, ":%s %s", command->name,
                 command->argument == NULL ? "" : command->argument);
    }
    lines_paragraph(lines, INDENT, keys, STYLE(ROLE_PLAIN), command->help);
}

static void draw_letters(struct lines *lines)
{
    static const char *const letters[][2] = {
        {"R P S Z", "running, paused, shut off, suspended"},
        {"C D", "being created, being deleted"},
        {"H", "hung: QEMU does not answer"},
        {"!", "crashed, or lodge failed with it"},
        {"?", "not known now: its host cannot be asked; what is shown is from before"},
        {"x", "gone"},
        {"+", "behind the letter: something waits for its next boot; its details say what"},
    };

    draw_heading(lines, "State");
    for (size_t i = 0; i < ARRAY_LENGTH(letters); i++) {
        lines_paragraph(lines, INDENT, letters[i][0], STYLE(ROLE_PLAIN), letters[i][1]);
    }
}

static void draw_help(const struct command_set *set, struct lines *lines)
{
    const char *group = "";

    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->rows[i].group, group) != 0) {
            group = set->rows[i].group;
            draw_heading(lines, group);
        }
        draw_command_help(lines, &set->rows[i]);
    }
    draw_letters(lines);
    draw_heading(lines, "Columns");
    for (size_t i = 0; i < column_count; i++) {
        lines_paragraph(lines, INDENT, columns[i].title, STYLE(ROLE_PLAIN), columns[i].help);
    }
}

void help_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
               struct area area)
{
    struct lines lines = {
        canvas, {area.x + 1, area.y, area.width - 2, area.height}, state->scroll, 0};

    draw_help(model->commands, &lines);
    canvas_format(canvas, (struct area){area.x + area.width - 14, area.y, 14, 1}, STYLE(ROLE_DIM),
                  "%5d/%d", state->scroll + 1, lines.line);
}

int help_lines(const struct model *model, const struct view_state *state, struct area area)
{
    struct canvas nowhere = {.glyphs = GLYPHS_ASCII};
    struct lines lines = {&nowhere, {0, 0, area.width - 2, area.height}, 0, 0};

    (void)state;
    draw_help(model->commands, &lines);
    return lines.line;
}
