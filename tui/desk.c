/* desk: the console's state, and what keys make of it: typing into a prompt, or a command. */
#include "desk.h"

#include "act.h"
#include "ask.h"
#include "input/keymap.h"
#include "memory.h"
#include "scope.h"
#include "sent.h"

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
    sent_forget(desk);
    screen_forget_target(desk);
    screen_forget_link(desk, true);
    screen_forget_shot(desk);
    beside_done(&desk->beside);
    model_done(&desk->model);
}

void desk_say(struct desk *desk, enum style_role role, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(desk->state.message.text, sizeof(desk->state.message.text), format, args);
    va_end(args);
    desk->state.message.role = role;
    desk->state.message.is_answer = false;
    desk->state.message.until_ms = desk->model.now_ms + MESSAGE_MS;
}

void desk_tell(struct desk *desk, enum style_role role, const char *text)
{
    const struct view_state *state = &desk->state;
    bool more = state->message.is_answer && state->message.until_ms > desk->model.now_ms;

    if (!more) {
        desk_say(desk, role, "%s", text);
    } else {
        AUTO(free) char *both = xasprintf("%s; %s", state->message.text, text);
        desk_say(desk, state->message.role == ROLE_WARN ? ROLE_WARN : role, "%s", both);
    }
    desk->state.message.is_answer = true;
}

/* What came while something hid it is shown from now on. */
static void show_answers(struct desk *desk)
{
    if (desk->state.message.is_answer) {
        desk->state.message.until_ms = desk->model.now_ms + MESSAGE_MS;
    }
}

bool desk_has_shifted(const struct desk *desk)
{
    int64_t since = desk->model.now_ms - desk->state.shifted_ms;

    return since >= 0 && since < DEAF_MS;
}

unsigned desk_turn_deaf(struct desk *desk)
{
    desk->state.deaf_until_ms = desk->model.now_ms + DEAF_MS;
    return ACT_DRAW | ACT_HUSH;
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
    bool by_key = state->list.dirty;
    char uuid[sizeof(state->list.uuid)];

    model_count(&desk->model);
    memcpy(uuid, state->list.uuid, sizeof(uuid));
    list_refresh(&state->list, &desk->model);
    if (!by_key && uuid[0] != '\0' && strcmp(uuid, state->list.uuid) != 0) {
        state->shifted_ms = desk->model.now_ms;
    }
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
    char names[1024] = "";
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

/* The text of a prompt is another. */
static void prompt_changed(struct desk *desk)
{
    const struct prompt *prompt = &desk->state.prompt;

    if (prompt->kind == PROMPT_FILTER) {
        list_set_filter(&desk->state.list, prompt->text);
    } else if (prompt->kind == PROMPT_COMMAND) {
        ask_weigh(desk, prompt->text);
    }
}

static unsigned key_to_prompt(struct desk *desk, struct key key)
{
    struct prompt *prompt = &desk->state.prompt;

    show_answers(desk);
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
        prompt_changed(desk);
        return ACT_DRAW;
    case PROMPT_DONE:
        return prompt_finished(desk);
    case PROMPT_LEFT:
        if (prompt->kind == PROMPT_FILTER) {
            list_set_filter(&desk->state.list, "");
        } else if (prompt->kind == PROMPT_NAME) {
            ask_done(&desk->ask);
            desk_tell(desk, ROLE_PLAIN, "nothing was done");
            desk->state.message.is_answer = false;
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

/* What the terminal made a signal of before it was raw: heard whatever is open. */
static unsigned act_of_signal(struct key key)
{
    enum { CTRL_C = 3, CTRL_Z = 26, CTRL_BACKSLASH = 28 };

    return key.code == CTRL_C || key.code == CTRL_BACKSLASH ? ACT_QUIT
           : key.code == CTRL_Z                             ? ACT_SUSPEND
                                                            : ACT_NOTHING;
}

unsigned desk_key(struct desk *desk, struct key key)
{
    char name[16];
    unsigned signalled = act_of_signal(key);

    if (signalled != ACT_NOTHING) {
        return signalled;
    }
    if (view_deaf_ms(&desk->state, desk->model.now_ms) > 0) {
        return ACT_NOTHING;
    }
    if (desk->state.list.dirty) {
        desk_refresh(desk); /* what keys of the same burst have made of the list */
    }
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
    if (desk->state.frozen) {
        show_answers(desk);
    } else {
        desk->state.message.until_ms = 0;
        desk->state.message.is_answer = false;
    }
    return command->run(desk, command, NULL);
}

unsigned desk_paste(struct desk *desk, const char *text, bool cut)
{
    struct view_state *state = &desk->state;

    if (view_deaf_ms(state, desk->model.now_ms) > 0 || state->frozen) {
        return ACT_NOTHING;
    }
    if (state->form.open) {
        if (!form_insert(&state->form, text) || cut) {
            snprintf(state->form.wrong, sizeof(state->form.wrong),
                     "not all of what was pasted fits here");
        }
        return ACT_DRAW;
    }
    switch (state->prompt.kind) {
    case PROMPT_FILTER:
    case PROMPT_COMMAND:
    case PROMPT_NAME: {
        bool fits = prompt_insert(&state->prompt, text) && !cut;
        prompt_changed(desk);
        if (!fits) {
            desk_say(desk, ROLE_WARN, "not all of what was pasted fits here");
        }
        return ACT_DRAW;
    }
    case PROMPT_YES:
    case PROMPT_SCREEN:
        return ACT_NOTHING; /* it is no answer */
    case PROMPT_NONE:
    case PROMPT_KINDS:
        break;
    }
    desk_say(desk, ROLE_DIM, "what is pasted is no keys; / takes it as a filter");
    return ACT_DRAW;
}
