/* ui: the TUI's state, and what keys make of it: typing into a prompt, or a command. */
#include "ui.h"

#include "act.h"
#include "confirm.h"
#include "create.h"
#include "input/keymap.h"
#include "memory.h"
#include "scope.h"
#include "sent.h"

#include <stdio.h>
#include <string.h>

void ui_init(struct ui *ui, const struct command_set *commands)
{
    *ui = (struct ui){.state = {.header_lines = 2}};
    model_init(&ui->model, commands);
    guest_list_init(&ui->state.list);
}

void ui_done(struct ui *ui)
{
    guest_list_done(&ui->state.list);
    prompt_done(&ui->state.prompt);
    ask_done(&ui->ask);
    sent_forget(ui);
    screen_forget_target(ui);
    screen_forget_link(ui, true);
    screen_forget_shot(ui);
    beside_done(&ui->beside);
    model_done(&ui->model);
}

/* Runs what was typed after `:`. */
static unsigned run_line(struct ui *ui, const char *line)
{
    line += strspn(line, " ");
    size_t length = strcspn(line, " ");
    if (length == 0) {
        return ACT_DRAW;
    }
    const struct command *command = keymap_find_name(ui->model.commands, line, length);
    if (command == NULL) {
        ui_say(ui, ROLE_WARN, "no command '%.*s': Tab shows how it goes on, ? what there is",
               (int)length, line);
        return ACT_DRAW;
    }
    const char *argument = line + length + strspn(line + length, " ");
    if (*argument != '\0' && command->argument == NULL) {
        ui_say(ui, ROLE_WARN, ":%s takes nothing behind it", command->name);
        return ACT_DRAW;
    }
    return ACT_DRAW | command->run(ui, command, *argument == '\0' ? NULL : argument);
}

/* Completes the command's name as far as it is certain; says what there is if it is not. */
static void complete(struct ui *ui)
{
    const struct command_set *set = ui->model.commands;
    struct prompt *prompt = &ui->state.prompt;
    char names[1024] = "";
    char common[64] = "";
    bool first = true;

    if (prompt->kind != PROMPT_COMMAND || strchr(prompt->text, ' ') != NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        const char *name = set->rows[i].name;
        if (strncmp(name, prompt->text, prompt->length) != 0) {
            continue;
        }
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s%s", first ? "" : " ", name);
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
        ui_say(ui, ROLE_DIM, "%s", first ? "no such command" : names);
    }
}

static unsigned prompt_finished(struct ui *ui)
{
    struct prompt *prompt = &ui->state.prompt;
    enum prompt_kind kind = prompt->kind;

    prompt_close(prompt);
    if (kind == PROMPT_COMMAND) {
        return run_line(ui, prompt->text);
    }
    if (kind == PROMPT_NAME) {
        return confirm_named(ui, prompt->text);
    }
    return ACT_DRAW;
}

/* The text of a prompt is another. */
static void prompt_changed(struct ui *ui)
{
    const struct prompt *prompt = &ui->state.prompt;

    if (prompt->kind == PROMPT_FILTER) {
        guest_list_set_filter(&ui->state.list, prompt->text);
    } else if (prompt->kind == PROMPT_COMMAND) {
        create_weigh(ui, prompt->text);
    }
}

static unsigned key_to_prompt(struct ui *ui, struct key key)
{
    struct prompt *prompt = &ui->state.prompt;

    ui_show_answers(ui);
    if (prompt->kind == PROMPT_YES) {
        prompt_close(prompt);
        return confirm_answered(ui, key);
    }
    if (prompt->kind == PROMPT_SCREEN) {
        prompt_close(prompt);
        return screen_chosen(ui, key);
    }
    switch (prompt_key(prompt, key)) {
    case PROMPT_CHANGED:
        prompt_changed(ui);
        return ACT_DRAW;
    case PROMPT_DONE:
        return prompt_finished(ui);
    case PROMPT_LEFT:
        if (prompt->kind == PROMPT_FILTER) {
            guest_list_set_filter(&ui->state.list, "");
        } else if (prompt->kind == PROMPT_NAME) {
            ask_done(&ui->ask);
            ui_tell(ui, ROLE_PLAIN, "nothing was done");
            ui->state.message.is_answer = false;
        }
        prompt_close(prompt);
        return ACT_DRAW;
    case PROMPT_COMPLETE:
        complete(ui);
        return ACT_DRAW;
    case PROMPT_MOVED:
        return ACT_DRAW;
    case PROMPT_IGNORED:
        break;
    }
    return ACT_NOTHING;
}

/* What the terminal made a signal of before it was raw: heard whatever is open. */
static unsigned act_of_signal(struct key key)
{
    enum { CTRL_C = 3, CTRL_Z = 26, CTRL_BACKSLASH = 28 };

    return key.code == CTRL_C || key.code == CTRL_BACKSLASH ? ACT_QUIT
           : key.code == CTRL_Z                             ? ACT_SUSPEND
                                                            : ACT_NOTHING;
}

unsigned ui_key(struct ui *ui, struct key key)
{
    char name[16];
    unsigned signalled = act_of_signal(key);

    if (signalled != ACT_NOTHING) {
        return signalled;
    }
    if (view_deaf_ms(&ui->state, ui->model.now_ms) > 0) {
        return ACT_NOTHING;
    }
    if (ui->state.list.dirty) {
        ui_refresh(ui); /* what keys of the same burst have made of the list */
    }
    if (ui->state.form.open) {
        return create_in_form(ui, key);
    }
    if (ui->state.prompt.kind != PROMPT_NONE) {
        return key_to_prompt(ui, key);
    }
    const struct command *command = keymap_find(ui->model.commands, ui->state.view, key);
    if (command == NULL && !ui->state.frozen) {
        key_print(key, name, sizeof name);
        ui_say(ui, ROLE_DIM, "%s means nothing here; ? lists the keys", name);
        return ACT_DRAW;
    }
    if (command == NULL) {
        return ACT_NOTHING;
    }
    if (ui->state.frozen && !command->while_frozen) {
        return ACT_NOTHING;
    }
    if (ui->state.frozen) {
        ui_show_answers(ui);
    } else {
        ui->state.message.until_ms = 0;
        ui->state.message.is_answer = false;
    }
    return command->run(ui, command, NULL);
}

unsigned ui_paste(struct ui *ui, const char *text, bool cut)
{
    struct view_state *state = &ui->state;

    if (view_deaf_ms(state, ui->model.now_ms) > 0 || state->frozen) {
        return ACT_NOTHING;
    }
    if (state->form.open) {
        if (!form_insert(&state->form, text) || cut) {
            snprintf(state->form.wrong, sizeof state->form.wrong,
                     "not all of what was pasted fits here");
        }
        return ACT_DRAW;
    }
    switch (state->prompt.kind) {
    case PROMPT_FILTER:
    case PROMPT_COMMAND:
    case PROMPT_NAME: {
        bool fits = prompt_insert(&state->prompt, text) && !cut;
        prompt_changed(ui);
        if (!fits) {
            ui_say(ui, ROLE_WARN, "not all of what was pasted fits here");
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
    ui_say(ui, ROLE_DIM, "what is pasted is no keys; / takes it as a filter");
    return ACT_DRAW;
}
