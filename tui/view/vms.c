/* vms: the list of guests, its filter line, and what stands there when it is empty. */
#include "view/view.h"

#include "scope.h"
#include "view/columns.h"
#include "view/figures.h"

#include <stdio.h>
#include <string.h>

/* ">*R+": cursor, mark, state, and whether something waits for the next boot. */
#define MARKS 4

static void draw_column_titles(const struct view_state *state, struct canvas *canvas,
                               struct area area, const struct placed_column *placed, size_t count)
{
    canvas_text(canvas, area, STYLE(ROLE_ACCENT), "  S ");
    for (size_t i = 0; i < count; i++) {
        const struct column *column = placed[i].column;
        bool sorted = column == state->list.sort;
        struct area place = {area.x + MARKS + placed[i].x, area.y, placed[i].width, 1};
        struct style style = STYLE_WITH(ROLE_ACCENT, sorted ? STYLE_UNDERLINE : 0);
        if (column->right) {
            canvas_text_right(canvas, place, style, column->title);
        } else {
            canvas_text(canvas, place, style, column->title);
        }
    }
}

static void draw_row(const struct model *model, const struct model_row *row, struct canvas *canvas,
                     struct area area, const struct placed_column *placed, size_t count)
{
    enum style_role role;
    char letter[2] = {vm_letter(model, row, &role), '\0'};

    canvas_text(canvas, (struct area){area.x + 2, area.y, 1, 1}, STYLE_WITH(role, STYLE_BOLD),
                letter);
    if (row->vm.pending.count > 0) {
        canvas_text(canvas, (struct area){area.x + 3, area.y, 1, 1}, STYLE(ROLE_ACCENT), "+");
    }
    if (row->marked) {
        canvas_text(canvas, (struct area){area.x + 1, area.y, 1, 1},
                    STYLE_WITH(ROLE_ACCENT, STYLE_BOLD), "*");
    }
    for (size_t i = 0; i < count; i++) {
        struct area place = {area.x + MARKS + placed[i].x, area.y, placed[i].width, 1};
        placed[i].column->draw(model, row, canvas, place);
    }
    if (row->gone_ms != 0 || model_row_is_stale(model, row)) {
        canvas_add_flags(canvas, area, STYLE_DIM);
    }
}

void vms_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
              struct area area)
{
    const struct guest_list *list = &state->list;
    struct placed_column placed[COLUMNS_MAX];
    size_t count = columns_place(model, area.width - MARKS, placed);
    struct area line = {area.x, area.y, area.width, 1};

    if (list->count == 0) {
        blank_draw(model, state, canvas, area);
        return;
    }
    if (area.height >= 4) {
        draw_column_titles(state, canvas, line, placed, count);
        line.y++;
    }
    for (size_t i = list->top; i < list->count && line.y < area.y + area.height; i++) {
        draw_row(model, list->rows[i], canvas, line, placed, count);
        if (i == list->cursor) {
            canvas_text(canvas, line, STYLE(ROLE_PLAIN), ">");
            canvas_add_flags(canvas, line, STYLE_REVERSE);
        }
        line.y++;
    }
}

/* What has been typed, with the place marked where it cannot be read on; the footer says why. */
static void draw_query(const struct view_state *state, struct canvas *canvas, struct area area)
{
    const struct guest_list *list = &state->list;
    bool typing = state->prompt.kind == PROMPT_FILTER;
    const char *text = typing ? state->prompt.text : list->filter;
    bool wrong = list->error.kind != LODGE_ERROR_NONE;
    struct style style = STYLE(wrong ? ROLE_WARN : ROLE_PLAIN);
    int out = 0;

    if (typing) {
        out = canvas_input(canvas, area, style, text, state->prompt.cursor);
    } else {
        canvas_text(canvas, area, style, text);
    }
    if (wrong && list->error.column > 0) {
        char before[PROMPT_BYTES];
        snprintf(before, sizeof before, "%.*s", list->error.column - 1, text);
        int at = canvas_text_width(canvas, before) - out;
        if (at >= 0 && at < area.width) {
            canvas_add_flags(canvas, (struct area){area.x + at, area.y, 1, 1},
                             STYLE_UNDERLINE | STYLE_REVERSE);
        }
    }
}

void vms_draw_filter(const struct model *model, const struct view_state *state,
                     struct canvas *canvas, struct area area)
{
    const struct guest_list *list = &state->list;
    char text[160];
    char hidden[80] = "";
    size_t marked = 0;

    for (size_t i = 0; i < model->count; i++) {
        marked += model->rows[i]->marked && model->rows[i]->gone_ms == 0;
    }
    if (marked > 0) {
        snprintf(hidden, sizeof hidden, "%zu marked   ", marked);
    }
    if (list->hidden > 0) {
        size_t length = strlen(hidden);
        snprintf(hidden + length, sizeof hidden - length, "%zu hidden   ", list->hidden);
    }
    int length = snprintf(text, sizeof text, "%s%ssort %s %s  %zu/%zu", hidden,
                          guest_list_is_held(list, model) ? "held " : "", list->sort->title,
                          list->descending ? "v" : "^", list->count == 0 ? 0 : list->cursor + 1,
                          list->count);
    struct area right = {area.x, area.y, area.width - 1, 1};
    struct area left = {area.x + 1, area.y, area.width - length - 4, 1};

    canvas_text_right(canvas, right, STYLE(ROLE_DIM), text);
    canvas_text(canvas, left, STYLE(ROLE_ACCENT), "/");
    left.x += 2;
    left.width -= 2;
    if (state->prompt.kind == PROMPT_FILTER || list->filter[0] != '\0') {
        draw_query(state, canvas, left);
    }
}

void vms_move(const struct model *model, struct view_state *state, long by)
{
    guest_list_move(&state->list, by, model->now_ms);
}

enum view_id vms_open(const struct model *model, struct view_state *state)
{
    (void)model;
    return guest_list_selected(&state->list) == NULL ? state->view : VIEW_DETAILS;
}

/* Lines about hosts that are not up; returns how many. */
static int draw_broken_hosts(const struct model *model, struct canvas *canvas, struct area area)
{
    int lines = 0;

    for (size_t i = 0; i < model->host_count && lines < area.height; i++) {
        const struct lodge_host *host = &model->hosts[i].host;
        char text[1024];
        if (host->state == LODGE_HOST_UP) {
            continue;
        }
        struct area place = {area.x, area.y + lines, area.width, area.height - lines};
        if (host->state == LODGE_HOST_CONNECTING && host->error == NULL) {
            snprintf(text, sizeof text, "connecting to host %s...", host->name);
        } else {
            snprintf(text, sizeof text, "host %s is %s%s%s: %s", host->name,
                     lodge_host_state_name(host->state), host->since == 0 ? "" : " since ",
                     host->since == 0 ? "" : figure_age(model->now_ms - host->since).text,
                     host->error == NULL ? "no reason given" : host->error);
        }
        lines += canvas_paragraph(canvas, place, STYLE(ROLE_ERROR), text);
    }
    return lines;
}

/* The one sentence that says why; false if the hosts are to be asked. */
static bool blank_reason(const struct model *model, const struct view_state *state, char *text,
                         size_t size, enum style_role *ret_role)
{
    *ret_role = ROLE_PLAIN;
    if (model->link.state != LINK_LIVE && model->link.error[0] != '\0') {
        *ret_role = ROLE_ERROR;
        snprintf(text, size, "%s", model->link.error);
    } else if (model->link.state != LINK_LIVE) {
        snprintf(text, size, "connecting to the daemon...");
    } else if (state->list.hidden > 0 && state->list.filter[0] != '\0') {
        snprintf(text, size, "no guest matches the filter; it hides %zu. Esc shows them again.",
                 state->list.hidden);
    } else if (state->list.hidden > 0) {
        snprintf(text, size, "all %zu guests are shut off and hidden. '.' shows them again.",
                 state->list.hidden);
    } else if (model->host_count == 0 && !model->ready) {
        snprintf(text, size, "connecting to host...");
    } else if (model->host_count == 0) {
        snprintf(text, size,
                 "the daemon has no hosts; give it one with --host NAME=URI or in its "
                 "configuration.");
    } else {
        return false;
    }
    return true;
}

void blank_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                struct area area)
{
    char text[1024];
    enum style_role role;
    int width = area.width > 78 ? 72 : area.width - 6;
    struct area place = {area.x + (area.width - width) / 2, area.y + area.height / 3, width,
                         area.height - area.height / 3};

    if (blank_reason(model, state, text, sizeof text, &role)) {
        canvas_paragraph(canvas, place, STYLE(role), text);
        return;
    }
    if (draw_broken_hosts(model, canvas, place) > 0) {
        return;
    }
    if (!model_is_complete(model)) {
        canvas_text(canvas, place, STYLE(ROLE_PLAIN), "reading the guests...");
    } else {
        canvas_paragraph(canvas, place, STYLE(ROLE_PLAIN),
                         "no guests yet. What `virsh define` or `virsh create` makes on this host "
                         "appears here by itself.");
    }
}
