/* desk: the console's state, and what keys make of it: typing into a prompt, or a command. */
#include "desk.h"

#include "act.h"
#include "ask.h"
#include "input/keymap.h"
#include "scope.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How long a message stays. */
#define MESSAGE_MS 6000

void desk_init(struct desk *desk)
{
    *desk = (struct desk){.state = {.header_lines = 2}};
    model_init(&desk->model);
    list_init(&desk->state.list);
}

void desk_done(struct desk *desk)
{
    list_done(&desk->state.list);
    prompt_done(&desk->state.prompt);
    ask_done(&desk->ask);
    screen_forget_link(desk, true);
    screen_forget_shot(desk);
    model_done(&desk->model);
}

void desk_say(struct desk *desk, enum role role, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(desk->state.message.text, sizeof(desk->state.message.text), format, args);
    va_end(args);
    desk->state.message.role = role;
    desk->state.message.until_ms = desk->model.now_ms + MESSAGE_MS;
}

unsigned desk_resize(struct desk *desk, int width, int height)
{
    desk->layout = layout_for(&desk->state, width, height);
    return ACT_DRAW;
}

/* Scrolling ends where the last line stands at the bottom. */
static void clamp_scroll(struct desk *desk)
{
    struct view_state *state = &desk->state;
    const struct view *view = &views[state->view];

    if (view->lines == NULL) {
        return;
    }
    int most = view->lines(&desk->model, state, desk->layout.body) - desk->layout.body.height;
    state->scroll = state->scroll > most ? most : state->scroll;
    state->scroll = state->scroll < 0 ? 0 : state->scroll;
}

void desk_refresh(struct desk *desk)
{
    struct view_state *state = &desk->state;

    model_count(&desk->model);
    list_refresh(&state->list, &desk->model);
    list_scroll(&state->list, layout_page(&desk->layout));
    if (state->host_cursor >= desk->model.host_count) {
        state->host_cursor = desk->model.host_count == 0 ? 0 : desk->model.host_count - 1;
    }
    size_t sessions = desk->model.session_count;
    if (state->session_cursor >= sessions) {
        state->session_cursor = sessions == 0 ? 0 : sessions - 1;
    }
    clamp_scroll(desk);
}

/* Runs what was typed after `:`. */
static unsigned run_line(struct desk *desk, const char *line)
{
    line += strspn(line, " ");
    size_t length = strcspn(line, " ");
    if (length == 0) {
        return ACT_DRAW;
    }
    const struct command *command = command_find(line, length);
    if (command == NULL) {
        desk_say(desk, ROLE_WARN, "no command '%.*s': Tab shows how it goes on, ? what there is",
                 (int)length, line);
        return ACT_DRAW;
    }
    const char *argument = line + length + strspn(line + length, " ");
    if (*argument != '\0' && command->argument == NULL) {
        desk_say(desk, ROLE_WARN, ":%s takes nothing behind it", command->name);
        return ACT_DRAW;
    }
    return ACT_DRAW | command->run(desk, command, *argument == '\0' ? NULL : argument);
}

/* Completes the command's name as far as it is certain; says what there is if it is not. */
static void complete(struct desk *desk)
{
    struct prompt *prompt = &desk->state.prompt;
    char names[512] = "";
    char common[64] = "";
    bool first = true;

    if (prompt->kind != PROMPT_COMMAND || strchr(prompt->text, ' ') != NULL) {
        return;
    }
    for (size_t i = 0; i < command_count; i++) {
        const char *name = commands[i].name;
        if (strncmp(name, prompt->text, prompt->length) != 0) {
            continue;
        }
        size_t length = strlen(names);
        snprintf(names + length, sizeof(names) - length, "%s%s", first ? "" : " ", name);
        size_t same = 0;
        while (name[same] != '\0' && (first || common[same] == name[same])) {
            common[same] = name[same];
            same++;
        }
        common[same] = '\0';
        first = false;
    }
    if (strlen(common) > prompt->length) {
        prompt_set(prompt, common);
    } else {
        desk_say(desk, ROLE_DIM, "%s", first ? "no such command" : names);
    }
}

static unsigned prompt_finished(struct desk *desk)
{
    struct prompt *prompt = &desk->state.prompt;
    enum prompt_kind kind = prompt->kind;

    prompt_close(prompt);
    if (kind == PROMPT_COMMAND) {
        return run_line(desk, prompt->text);
    }
    if (kind == PROMPT_NAME) {
        return ask_named(desk, prompt->text);
    }
    return ACT_DRAW;
}

static unsigned key_to_prompt(struct desk *desk, struct key key)
{
    struct prompt *prompt = &desk->state.prompt;

    if (prompt->kind == PROMPT_YES) {
        prompt_close(prompt);
        return ask_answered(desk, key);
    }
    if (prompt->kind == PROMPT_SCREEN) {
        prompt_close(prompt);
        return screen_chosen(desk, key);
    }
    switch (prompt_key(prompt, key)) {
    case PROMPT_CHANGED:
        if (prompt->kind == PROMPT_FILTER) {
            list_set_filter(&desk->state.list, prompt->text);
        } else if (prompt->kind == PROMPT_COMMAND) {
            ask_weigh(desk, prompt->text);
        }
        return ACT_DRAW;
    case PROMPT_DONE:
        return prompt_finished(desk);
    case PROMPT_LEFT:
        if (prompt->kind == PROMPT_FILTER) {
            list_set_filter(&desk->state.list, "");
        } else if (prompt->kind == PROMPT_NAME) {
            desk_say(desk, ROLE_PLAIN, "nothing was done");
        }
        prompt_close(prompt);
        return ACT_DRAW;
    case PROMPT_COMPLETE:
        complete(desk);
        return ACT_DRAW;
    case PROMPT_MOVED:
        return ACT_DRAW;
    case PROMPT_IGNORED:
        break;
    }
    return ACT_NOTHING;
}

/* A picture that stands still cannot show what other commands do. */
static bool means_something_frozen(const struct command *command)
{
    return command->run == act_freeze || command->run == act_back || command->run == act_leave ||
           command->run == act_quit || command->run == act_redraw || command->run == act_suspend;
}

unsigned desk_key(struct desk *desk, struct key key)
{
    char name[16];

    if (desk->state.form.open) {
        return ask_in_form(desk, key);
    }
    if (desk->state.prompt.kind != PROMPT_NONE) {
        return key_to_prompt(desk, key);
    }
    const struct command *command = keymap_find(desk->state.view, key);
    if (command == NULL && !desk->state.frozen) {
        key_print(key, name, sizeof(name));
        desk_say(desk, ROLE_DIM, "%s means nothing here; ? lists the keys", name);
        return ACT_DRAW;
    }
    if (command == NULL) {
        return ACT_NOTHING;
    }
    if (desk->state.frozen && !means_something_frozen(command)) {
        return ACT_NOTHING;
    }
    desk->state.message.until_ms = 0;
    return command->run(desk, command, NULL);
}
