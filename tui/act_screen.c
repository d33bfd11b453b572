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

static unsigned ask_screen(struct desk *desk, const struct lodge_vm *vm, const char *method,
                           enum screen_way way)
{
    struct ask *ask = &desk->ask;

    ask_done(ask);
    ask_add(ask, vm->host, vm->uuid);
    ask->method = method;
    ask->is_plain = true;
    ask->way = way;
    ask->params = json_object_new_object();
    snprintf(ask->what, sizeof(ask->what), "screen of %s", vm->name);
    desk_say(desk, ROLE_DIM, "%s …", ask->what);
    return ACT_DRAW | ACT_ASK;
}

static unsigned open_screen(struct desk *desk, const struct lodge_vm *vm, enum screen_way way)
{
    unsigned acts = ask_screen(desk, vm, "console.open", way);

    json_object_object_add(desk->ask.params, "mode",
                           json_object_new_string(way == SCREEN_LOOK ? "ro" : "rw"));
    return acts;
}

static unsigned take_picture(struct desk *desk, const struct lodge_vm *vm)
{
    return ask_screen(desk, vm, "vm.screenshot", SCREEN_PICTURE);
}

/* `lodge vnc --viewer` beside us: it hands bytes on for as long as somebody looks. */
static unsigned open_viewer(struct desk *desk, const struct lodge_vm *vm)
{
    struct lodge_error err = {0};

    if (!viewer_is_there(&err)) {
        desk_say(desk, ROLE_WARN, "%s", err.message);
        return ACT_DRAW;
    }
    snprintf(desk->text, sizeof(desk->text), "%s/%s", vm->host, vm->uuid);
    desk_say(desk, ROLE_PLAIN, "screen of %s: starting the viewer", vm->name);
    return ACT_DRAW | ACT_VIEWER;
}

unsigned act_screen(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model_row *row = list_selected(&desk->state.list);

    (void)command;
    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    return open_screen(desk, &row->vm, SCREEN_BROWSER);
}

unsigned act_screen_menu(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model_row *row = list_selected(&desk->state.list);
    struct prompt *prompt = &desk->state.prompt;

    (void)command;
    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    prompt_open(prompt, PROMPT_SCREEN, "");
    snprintf(prompt->label, sizeof(prompt->label),
             "Screen of %s: b browser, o look only, c copy link, l viewer, p picture",
             row->vm.name);
    return ACT_DRAW;
}

unsigned screen_chosen(struct desk *desk, struct key key)
{
    const struct model_row *row = list_selected(&desk->state.list);

    if (row == NULL) {
        return ACT_DRAW;
    }
    switch (key.code) {
    case 'b':
    case 'v':
        return open_screen(desk, &row->vm, SCREEN_BROWSER);
    case 'o':
        return open_screen(desk, &row->vm, SCREEN_LOOK);
    case 'c':
        return open_screen(desk, &row->vm, SCREEN_COPY);
    case 'l':
        return open_viewer(desk, &row->vm);
    case 'p':
        return take_picture(desk, &row->vm);
    default:
        desk_say(desk, ROLE_PLAIN, "nothing was opened");
        return ACT_DRAW;
    }
}

/* The guest that HOST/UUID names, NULL: it is gone. */
static const struct model_row *find_row(const struct desk *desk, const char *vm)
{
    const char *slash = vm == NULL ? NULL : strrchr(vm, '/');

    if (slash == NULL) {
        return NULL;
    }
    AUTO(free) char *host = xstrndup(vm, (size_t)(slash - vm));
    return model_find(&desk->model, host, slash + 1);
}

unsigned act_again(struct desk *desk, const struct command *command, const char *argument)
{
    const struct shot *shot = &desk->state.shot;
    const struct model_row *row = find_row(desk, shot->vm);

    (void)command;
    (void)argument;
    if (shot->vm == NULL) {
        desk_say(desk, ROLE_WARN, "no picture was taken yet: V and p on a guest takes one");
        return ACT_DRAW;
    }
    if (row == NULL) {
        desk_say(desk, ROLE_WARN, "%s is not there any more", shot->name);
        return ACT_DRAW;
    }
    return take_picture(desk, &row->vm);
}

unsigned act_disconnect(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model *model = &desk->model;
    struct prompt *prompt = &desk->state.prompt;
    struct ask *ask = &desk->ask;

    (void)command;
    (void)argument;
    if (desk->state.session_cursor >= model->session_count) {
        return ACT_NOTHING;
    }
    const struct lodge_session *session = &model->sessions[desk->state.session_cursor];
    ask_done(ask);
    ask->method = "console.close";
    ask->is_plain = true;
    ask->weight = ASK_PLAIN;
    ask->params = json_object_new_object();
    json_object_object_add(ask->params, "session", json_object_new_int64(session->session));
    snprintf(ask->what, sizeof(ask->what), "end session %lld", (long long)session->session);
    prompt_open(prompt, PROMPT_YES, "");
    snprintf(prompt->label, sizeof(prompt->label), "End %s's look at %s? y/N",
             session->user == NULL ? "somebody" : session->user,
             session->vm == NULL ? "a screen" : session->vm);
    return ACT_DRAW;
}

/* What vm.screenshot answered: the picture, in a view of its own. */
static void show_picture(struct desk *desk, const char *vm, const char *result)
{
    const struct model_row *row = find_row(desk, vm);
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
    unsigned acts = ACT_DRAW;

    snprintf(desk->text, sizeof(desk->text), "%s", url == NULL ? "" : json_object_get_string(url));
    if (way == SCREEN_COPY || !browser_is_there()) {
        char *tunnel = browser_tunnel(desk->text);
        desk_say(desk, ROLE_PLAIN, "address copied, if the terminal can; from afar first: %s",
                 tunnel);
        free(tunnel);
        acts |= ACT_COPY;
    } else {
        browser_forget(desk->link.file);
        desk->link.file = NULL;
        desk->link.session = json_object_get_int64(json_object_object_get(json, "session"));
        desk->link.file = browser_file(&err);
        if (desk->link.file != NULL && browser_open(desk->text, desk->link.file, &err)) {
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
