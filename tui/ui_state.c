/*
 * ui_state: what commands do to the TUI's state beside their own business: they say something, are
 * deaf for a moment, go to a view, lay out anew. It knows no command.
 */
#include "memory.h"
#include "scope.h"
#include "ui.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How long a message stays. */
#define MESSAGE_MS 6000

void ui_say(struct ui *ui, enum style_role role, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(ui->state.message.text, sizeof ui->state.message.text, format, args);
    va_end(args);
    ui->state.message.role = role;
    ui->state.message.is_answer = false;
    ui->state.message.until_ms = ui->model.now_ms + MESSAGE_MS;
}

void ui_tell(struct ui *ui, enum style_role role, const char *text)
{
    const struct view_state *state = &ui->state;
    bool more = state->message.is_answer && state->message.until_ms > ui->model.now_ms;

    if (!more) {
        ui_say(ui, role, "%s", text);
    } else {
        AUTO(free) char *both = xasprintf("%s; %s", state->message.text, text);
        ui_say(ui, state->message.role == ROLE_WARN ? ROLE_WARN : role, "%s", both);
    }
    ui->state.message.is_answer = true;
}

/* What came while something hid it is shown from now on. */
void ui_show_answers(struct ui *ui)
{
    if (ui->state.message.is_answer) {
        ui->state.message.until_ms = ui->model.now_ms + MESSAGE_MS;
    }
}

bool ui_has_shifted(const struct ui *ui)
{
    int64_t since = ui->model.now_ms - ui->state.shifted_ms;

    return since >= 0 && since < DEAF_MS;
}

unsigned ui_turn_deaf(struct ui *ui)
{
    ui->state.deaf_until_ms = ui->model.now_ms + DEAF_MS;
    return ACT_DRAW | ACT_HUSH;
}

unsigned ui_resize(struct ui *ui, int width, int height)
{
    ui->layout = layout_for(&ui->state, width, height);
    return ACT_DRAW;
}

/* Scrolling ends where the last line stands at the bottom. */
static void clamp_scroll(struct ui *ui)
{
    struct view_state *state = &ui->state;
    const struct view *view = &views[state->view];

    if (view->lines == NULL) {
        return;
    }
    int most = view->lines(&ui->model, state, ui->layout.body) - ui->layout.body.height;
    state->scroll = state->scroll > most ? most : state->scroll;
    state->scroll = state->scroll < 0 ? 0 : state->scroll;
}

void ui_refresh(struct ui *ui)
{
    struct view_state *state = &ui->state;
    bool by_key = state->list.dirty;
    char uuid[sizeof state->list.uuid];

    model_count(&ui->model);
    memcpy(uuid, state->list.uuid, sizeof uuid);
    guest_list_refresh(&state->list, &ui->model);
    if (!by_key && uuid[0] != '\0' && strcmp(uuid, state->list.uuid) != 0) {
        state->shifted_ms = ui->model.now_ms;
    }
    guest_list_scroll(&state->list, layout_page(&ui->layout));
    if (state->host_cursor >= ui->model.host_count) {
        state->host_cursor = ui->model.host_count == 0 ? 0 : ui->model.host_count - 1;
    }
    size_t sessions = ui->model.session_count;
    if (state->session_cursor >= sessions) {
        state->session_cursor = sessions == 0 ? 0 : sessions - 1;
    }
    clamp_scroll(ui);
}

unsigned ui_lay_out(struct ui *ui)
{
    return ui_resize(ui, ui->layout.screen.width, ui->layout.screen.height);
}

void ui_go_to(struct ui *ui, enum view_id view)
{
    struct view_state *state = &ui->state;

    if (state->view == view) {
        return;
    }
    if (view == VIEW_VMS) {
        state->depth = 0; /* the bottom of every way back */
    } else if (state->depth < VIEW_DEPTH) {
        state->back[state->depth++] = state->view;
    }
    state->view = view;
    state->scroll = 0;
    (void)ui_lay_out(ui);
}
