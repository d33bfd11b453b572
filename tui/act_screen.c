/* act_screen: guests' screens: opening one, the ways to, and ending somebody's look at one. */
#include "act.h"
#include "cli/browser.h"
#include "cli/shot.h"
#include "cli/viewer.h"
#include "confirm.h"
#include "memory.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The screen of the guest that ui->looked_at is. */
static unsigned ask_screen(struct ui *ui, const char *method, enum screen_way way)
{
    struct ask *ask = ask_begin(ui, method, "show");

    ask->is_plain = true;
    ask->way = way;
    snprintf(ask->what, sizeof ask->what, "screen of %s", ui->looked_at->shown);
    ask->targets = ui->looked_at;
    ask->target_count = 1;
    ask->targets[0].method = method;
    ui->looked_at = NULL;
    ui_say(ui, ROLE_DIM, "%s …", ask->what);
    return ACT_DRAW | ACT_ASK;
}

static unsigned open_screen(struct ui *ui, enum screen_way way)
{
    unsigned acts = ask_screen(ui, "console.open", way);

    json_object_object_add(ui->ask.params, "mode",
                           json_object_new_string(way == SCREEN_LOOK ? "ro" : "rw"));
    return acts;
}

/* `lodge vnc --viewer` beside us: it hands bytes on for as long as somebody looks. */
static unsigned open_viewer(struct ui *ui)
{
    struct lodge_error err = {0};

    if (!viewer_is_there(&err)) {
        ui_say(ui, ROLE_WARN, "%s", err.message);
        return ACT_DRAW;
    }
    snprintf(ui->text, sizeof ui->text, "%s", ui->looked_at->vm);
    ui_say(ui, ROLE_PLAIN, "screen of %s: starting the viewer", ui->looked_at->shown);
    return ACT_DRAW | ACT_VIEWER;
}

void screen_forget_target(struct ui *ui)
{
    if (ui->looked_at != NULL) {
        target_done(ui->looked_at);
        free(ui->looked_at);
        ui->looked_at = NULL;
    }
}

/* Keeps the guest as it is now as the one whose screen is meant. */
static void mean_screen_of(struct ui *ui, const struct model_row *row)
{
    screen_forget_target(ui);
    (void)ask_begin(ui, NULL, NULL);
    ask_add(ui, row);
    ui->looked_at = TAKE(ui->ask.targets);
    ui->ask.target_count = 0;
    ask_done(&ui->ask);
}

/* The guest under the cursor, NULL with what is said: there is none. */
static const struct model_row *row_to_look_at(struct ui *ui, const struct command *command)
{
    const struct model_row *row = guest_list_selected(&ui->state.list);

    if ((command->views & (1U << ui->state.view)) == 0) {
        ui_say(ui, ROLE_WARN, ":%s is about a guest: 1 shows them", command->name);
        return NULL;
    }
    if (row == NULL) {
        ui_say(ui, ROLE_DIM, "there is no guest under the cursor");
    } else if (row->gone_ms != 0) {
        ui_say(ui, ROLE_WARN, "%s is not there any more", row->vm.name);
        return NULL;
    }
    return row;
}

unsigned act_screen(struct ui *ui, const struct command *command, const char *argument)
{
    const struct model_row *row = row_to_look_at(ui, command);

    (void)argument;
    if (row == NULL) {
        return ACT_DRAW;
    }
    mean_screen_of(ui, row);
    return open_screen(ui, SCREEN_BROWSER);
}

unsigned act_screen_menu(struct ui *ui, const struct command *command, const char *argument)
{
    const struct model_row *row = row_to_look_at(ui, command);
    struct prompt *prompt = &ui->state.prompt;

    (void)argument;
    if (row == NULL) {
        return ACT_DRAW;
    }
    mean_screen_of(ui, row);
    prompt_open(prompt, PROMPT_SCREEN, "");
    snprintf(prompt->label, sizeof prompt->label, "Screen of %s:", ui->looked_at->shown);
    snprintf(prompt->answers, sizeof prompt->answers,
             "b browser, o look only, c copy link, l viewer, p picture");
    return ui_turn_deaf(ui);
}

unsigned screen_chosen(struct ui *ui, struct key key)
{
    switch (key.code) {
    case 'b':
    case 'v':
        return open_screen(ui, SCREEN_BROWSER);
    case 'o':
        return open_screen(ui, SCREEN_LOOK);
    case 'c':
        return open_screen(ui, SCREEN_COPY);
    case 'l':
        return open_viewer(ui);
    case 'p':
        return ask_screen(ui, "vm.screenshot", SCREEN_PICTURE);
    default:
        ui_say(ui, ROLE_PLAIN, "nothing was opened");
        return key.code == KEY_CODE_ESC ? ACT_DRAW : ui_turn_deaf(ui);
    }
}

unsigned act_again(struct ui *ui, const struct command *command, const char *argument)
{
    const struct shot *shot = &ui->state.shot;
    const struct model_row *row = model_find_vm(&ui->model, shot->vm);

    (void)command;
    (void)argument;
    if (shot->vm == NULL) {
        ui_say(ui, ROLE_WARN, "no picture was taken yet: V and p on a guest takes one");
        return ACT_DRAW;
    }
    if (row == NULL || row->gone_ms != 0) {
        ui_say(ui, ROLE_WARN, "%s is not there any more", shot->name);
        return ACT_DRAW;
    }
    mean_screen_of(ui, row);
    return ask_screen(ui, "vm.screenshot", SCREEN_PICTURE);
}

unsigned act_disconnect(struct ui *ui, const struct command *command, const char *argument)
{
    const struct model *model = &ui->model;
    char question[sizeof ui->ask.what + 2];

    (void)argument;
    if (ui->state.view != VIEW_SESSIONS || ui->state.session_cursor >= model->session_count) {
        ui_say(ui, ROLE_DIM, ":%s is about a session: 6 shows them", command->name);
        return ACT_DRAW;
    }
    const struct lodge_session *session = &model->sessions[ui->state.session_cursor];
    struct ask *ask = ask_begin(ui, "console.close", "end");
    ask->is_plain = true;
    ask->weight = ASK_PLAIN;
    json_object_object_add(ask->params, "session", json_object_new_int64(session->session));
    snprintf(ask->what, sizeof ask->what, "end %s's look at %s",
             session->user == NULL ? "somebody" : session->user,
             session->vm == NULL ? "a screen" : session->vm);
    snprintf(question, sizeof question, "E%s?", ask->what + 1);
    ask->asks = question;
    unsigned acts = confirm_open(ui);
    ask->asks = NULL; /* it is written */
    return acts;
}

/* What vm.screenshot answered: the picture, in a view of its own. */
static void show_picture(struct ui *ui, const char *vm, const char *result)
{
    const struct model_row *row = model_find_vm(&ui->model, vm);
    AUTO(buffer_free) struct buffer png = {0};
    struct pixels pixels;
    struct lodge_error err = {0};

    if (shot_read(result, &png, &err) && pixels_read(&pixels, png.data, png.length, &err)) {
        screen_forget_shot(ui);
        ui->state.shot = (struct shot){
            .vm = xstrdup(vm),
            .name = xstrdup(row == NULL ? vm : row->vm.name),
            .pixels = pixels,
            .at_ms = ui->model.now_ms,
        };
        const struct view_state *state = &ui->state;
        if (state->prompt.kind != PROMPT_NONE || state->form.open || state->frozen) {
            ui_say(ui, ROLE_PLAIN, "the picture of %s is there: :screen", state->shot.name);
        } else {
            ui->state.message.until_ms = 0;
            ui_go_to(ui, VIEW_SCREEN);
        }
    } else {
        ui_say(ui, ROLE_WARN, "%s", err.message);
    }
}

void screen_forget_shot(struct ui *ui)
{
    struct shot *shot = &ui->state.shot;

    free(shot->vm);
    free(shot->name);
    pixels_done(&shot->pixels);
    *shot = (struct shot){0};
}

/* What console.open answered: a browser, or words that lead to one. */
static unsigned show_link(struct ui *ui, enum screen_way way, const char *result)
{
    struct json_object *json = json_tokener_parse(result);
    struct json_object *url = json_object_object_get(json, "url");
    struct lodge_error err = {0};
    struct program browser;
    unsigned acts = ACT_DRAW;

    snprintf(ui->text, sizeof ui->text, "%s", url == NULL ? "" : json_object_get_string(url));
    if (way == SCREEN_COPY || !browser_is_there()) {
        char *tunnel = browser_tunnel(ui->text);
        ui_say(ui, ROLE_PLAIN, "address copied, if the terminal can%s%s",
               tunnel == NULL ? "" : "; from afar first: ", tunnel == NULL ? "" : tunnel);
        free(tunnel);
        acts |= ACT_COPY;
    } else {
        browser_forget(ui->link.file);
        ui->link.file = NULL;
        ui->link.session = json_object_get_int64(json_object_object_get(json, "session"));
        ui->link.file = browser_file(&err);
        if (ui->link.file != NULL && browser_open(ui->text, ui->link.file, &browser, &err)) {
            beside_add(&ui->beside, "the browser", &browser);
            ui_say(ui, ROLE_PLAIN, "its screen is on the way to the browser");
        } else {
            ui_say(ui, ROLE_WARN, "%s", err.message);
            browser_forget(ui->link.file);
            ui->link.file = NULL;
        }
    }
    json_object_put(json);
    return acts;
}

unsigned screen_opened(struct ui *ui, enum screen_way way, const char *vm, const char *result)
{
    if (way == SCREEN_PICTURE) {
        show_picture(ui, vm, result);
        return ACT_DRAW;
    }
    return show_link(ui, way, result);
}

/* The file with the link goes when it was used, or is worth nothing. */
void screen_forget_link(struct ui *ui, bool always)
{
    const struct lodge_session *session = model_find_session(&ui->model, ui->link.session);
    bool waits = session != NULL && session->state == LODGE_SESSION_WAITS;

    ui->link.seen |= waits;
    if (ui->link.file != NULL && (always || (ui->link.seen && !waits))) {
        browser_forget(ui->link.file);
        ui->link.file = NULL;
        ui->link.seen = false;
    }
}
