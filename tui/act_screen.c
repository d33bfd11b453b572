/* act_screen: guests' screens: opening one, the ways to, and ending somebody's look at one. */
#include "act.h"
#include "cli/browser.h"
#include "cli/shot.h"
#include "cli/viewer.h"
#include "memory.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The screen of the guest that desk->looked_at is. */
static unsigned ask_screen(struct desk *desk, const char *method, enum screen_way way)
{
    struct ask *ask = ask_begin(desk, method, "show");

    ask->is_plain = true;
    ask->way = way;
    snprintf(ask->what, sizeof(ask->what), "screen of %s", desk->looked_at->shown);
    ask->targets = desk->looked_at;
    ask->target_count = 1;
    ask->targets[0].method = method;
    desk->looked_at = NULL;
    desk_say(desk, ROLE_DIM, "%s …", ask->what);
    return ACT_DRAW | ACT_ASK;
}

static unsigned open_screen(struct desk *desk, enum screen_way way)
{
    unsigned acts = ask_screen(desk, "console.open", way);

    json_object_object_add(desk->ask.params, "mode",
                           json_object_new_string(way == SCREEN_LOOK ? "ro" : "rw"));
    return acts;
}

/* `lodge vnc --viewer` beside us: it hands bytes on for as long as somebody looks. */
static unsigned open_viewer(struct desk *desk)
{
    struct lodge_error err = {0};

    if (!viewer_is_there(&err)) {
        desk_say(desk, ROLE_WARN, "%s", err.message);
        return ACT_DRAW;
    }
    snprintf(desk->text, sizeof(desk->text), "%s", desk->looked_at->vm);
    desk_say(desk, ROLE_PLAIN, "screen of %s: starting the viewer", desk->looked_at->shown);
    return ACT_DRAW | ACT_VIEWER;
}

void screen_forget_target(struct desk *desk)
{
    if (desk->looked_at != NULL) {
        target_done(desk->looked_at);
        free(desk->looked_at);
        desk->looked_at = NULL;
    }
}

/* Keeps the guest as it is now as the one whose screen is meant. */
static void look_at(struct desk *desk, const struct model_row *row)
{
    screen_forget_target(desk);
    (void)ask_begin(desk, NULL, NULL);
    ask_add(desk, row);
    desk->looked_at = TAKE(desk->ask.targets);
    desk->ask.target_count = 0;
    ask_done(&desk->ask);
}

/* The guest under the cursor, NULL with what is said: there is none. */
static const struct model_row *row_to_look_at(struct desk *desk, const struct command *command)
{
    const struct model_row *row = list_selected(&desk->state.list);

    if ((command->views & (1U << desk->state.view)) == 0) {
        desk_say(desk, ROLE_WARN, ":%s is about a guest: 1 shows them", command->name);
        return NULL;
    }
    if (row == NULL) {
        desk_say(desk, ROLE_DIM, "there is no guest under the cursor");
    } else if (row->gone_ms != 0) {
        desk_say(desk, ROLE_WARN, "%s is not there any more", row->vm.name);
        return NULL;
    }
    return row;
}

unsigned act_screen(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model_row *row = row_to_look_at(desk, command);

    (void)argument;
    if (row == NULL) {
        return ACT_DRAW;
    }
    look_at(desk, row);
    return open_screen(desk, SCREEN_BROWSER);
}

unsigned act_screen_menu(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model_row *row = row_to_look_at(desk, command);
    struct prompt *prompt = &desk->state.prompt;

    (void)argument;
    if (row == NULL) {
        return ACT_DRAW;
    }
    look_at(desk, row);
    prompt_open(prompt, PROMPT_SCREEN, "");
    snprintf(prompt->label, sizeof(prompt->label), "Screen of %s:", desk->looked_at->shown);
    snprintf(prompt->answers, sizeof(prompt->answers),
             "b browser, o look only, c copy link, l viewer, p picture");
    return desk_turn_deaf(desk);
}

unsigned screen_chosen(struct desk *desk, struct key key)
{
    switch (key.code) {
    case 'b':
    case 'v':
        return open_screen(desk, SCREEN_BROWSER);
    case 'o':
        return open_screen(desk, SCREEN_LOOK);
    case 'c':
        return open_screen(desk, SCREEN_COPY);
    case 'l':
        return open_viewer(desk);
    case 'p':
        return ask_screen(desk, "vm.screenshot", SCREEN_PICTURE);
    default:
        desk_say(desk, ROLE_PLAIN, "nothing was opened");
        return key.code == KEY_CODE_ESC ? ACT_DRAW : desk_turn_deaf(desk);
    }
}

unsigned act_again(struct desk *desk, const struct command *command, const char *argument)
{
    const struct shot *shot = &desk->state.shot;
    const struct model_row *row = model_find_vm(&desk->model, shot->vm);

    (void)command;
    (void)argument;
    if (shot->vm == NULL) {
        desk_say(desk, ROLE_WARN, "no picture was taken yet: V and p on a guest takes one");
        return ACT_DRAW;
    }
    if (row == NULL || row->gone_ms != 0) {
        desk_say(desk, ROLE_WARN, "%s is not there any more", shot->name);
        return ACT_DRAW;
    }
    look_at(desk, row);
    return ask_screen(desk, "vm.screenshot", SCREEN_PICTURE);
}

unsigned act_disconnect(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model *model = &desk->model;
    char question[sizeof(desk->ask.what) + 2];

    (void)argument;
    if (desk->state.view != VIEW_SESSIONS || desk->state.session_cursor >= model->session_count) {
        desk_say(desk, ROLE_DIM, ":%s is about a session: 6 shows them", command->name);
        return ACT_DRAW;
    }
    const struct lodge_session *session = &model->sessions[desk->state.session_cursor];
    struct ask *ask = ask_begin(desk, "console.close", "end");
    ask->is_plain = true;
    ask->weight = ASK_PLAIN;
    json_object_object_add(ask->params, "session", json_object_new_int64(session->session));
    snprintf(ask->what, sizeof(ask->what), "end %s's look at %s",
             session->user == NULL ? "somebody" : session->user,
             session->vm == NULL ? "a screen" : session->vm);
    snprintf(question, sizeof(question), "E%s?", ask->what + 1);
    ask->asks = question;
    unsigned acts = ask_question(desk);
    ask->asks = NULL; /* it is written */
    return acts;
}

/* What vm.screenshot answered: the picture, in a view of its own. */
static void show_picture(struct desk *desk, const char *vm, const char *result)
{
    const struct model_row *row = model_find_vm(&desk->model, vm);
    struct buffer png = {0};
    struct pixels pixels;
    struct lodge_error err = {0};

    if (shot_read(result, &png, &err) && pixels_read(&pixels, png.data, png.length, &err)) {
        screen_forget_shot(desk);
        desk->state.shot = (struct shot){
            .vm = xstrdup(vm),
            .name = xstrdup(row == NULL ? vm : row->vm.name),
            .pixels = pixels,
            .at_ms = desk->model.now_ms,
        };
        const struct view_state *state = &desk->state;
        if (state->prompt.kind != PROMPT_NONE || state->form.open || state->frozen) {
            desk_say(desk, ROLE_PLAIN, "the picture of %s is there: :screen", state->shot.name);
        } else {
            desk->state.message.until_ms = 0;
            act_go_to(desk, VIEW_SCREEN);
        }
    } else {
        desk_say(desk, ROLE_WARN, "%s", err.message);
    }
    buffer_free(&png);
}

void screen_forget_shot(struct desk *desk)
{
    struct shot *shot = &desk->state.shot;

    free(shot->vm);
    free(shot->name);
    pixels_done(&shot->pixels);
    *shot = (struct shot){0};
}

/* What console.open answered: a browser, or words that lead to one. */
static unsigned show_link(struct desk *desk, enum screen_way way, const char *result)
{
    struct json_object *json = json_tokener_parse(result);
    struct json_object *url = json_object_object_get(json, "url");
    struct lodge_error err = {0};
    struct program browser;
    unsigned acts = ACT_DRAW;

    snprintf(desk->text, sizeof(desk->text), "%s", url == NULL ? "" : json_object_get_string(url));
    if (way == SCREEN_COPY || !browser_is_there()) {
        char *tunnel = browser_tunnel(desk->text);
        desk_say(desk, ROLE_PLAIN, "address copied, if the terminal can%s%s",
                 tunnel == NULL ? "" : "; from afar first: ", tunnel == NULL ? "" : tunnel);
        free(tunnel);
        acts |= ACT_COPY;
    } else {
        browser_forget(desk->link.file);
        desk->link.file = NULL;
        desk->link.session = json_object_get_int64(json_object_object_get(json, "session"));
        desk->link.file = browser_file(&err);
        if (desk->link.file != NULL && browser_open(desk->text, desk->link.file, &browser, &err)) {
            beside_add(&desk->beside, "the browser", &browser);
            desk_say(desk, ROLE_PLAIN, "its screen is on the way to the browser");
        } else {
            desk_say(desk, ROLE_WARN, "%s", err.message);
            browser_forget(desk->link.file);
            desk->link.file = NULL;
        }
    }
    json_object_put(json);
    return acts;
}

unsigned screen_opened(struct desk *desk, enum screen_way way, const char *vm, const char *result)
{
    if (way == SCREEN_PICTURE) {
        show_picture(desk, vm, result);
        return ACT_DRAW;
    }
    return show_link(desk, way, result);
}

/* The file with the link goes when it was used, or is worth nothing. */
void screen_forget_link(struct desk *desk, bool always)
{
    const struct lodge_session *session = model_find_session(&desk->model, desk->link.session);
    bool waits = session != NULL && session->state == LODGE_SESSION_WAITS;

    desk->link.seen |= waits;
    if (desk->link.file != NULL && (always || (desk->link.seen && !waits))) {
        browser_forget(desk->link.file);
        desk->link.file = NULL;
        desk->link.seen = false;
    }
}
