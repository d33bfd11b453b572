/* view: the whole screen put together: the view that is open, and what stands around it. */
#include "view/view.h"

#include "input/keymap.h"
#include "view/figures.h"

#include <stdio.h>
#include <string.h>

/* Of the hints at the bottom. */
#define HINT_PLACES 16

/* The command whose hint stands at a place of a view's hints, NULL: none does. */
static const struct command *hint_at(const struct command_set *set, enum view_id view, int place)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rows[i].hint_place == place && (set->rows[i].hinted & (1U << view)) != 0) {
            return &set->rows[i];
        }
    }
    return NULL;
}

/* The keys that are worth knowing here. */
static void draw_hints(const struct model *model, const struct view_state *state,
                       struct canvas *canvas, struct area area)
{
    area.x++;
    area.width--;
    for (int place = 1; place <= HINT_PLACES; place++) {
        const struct command *command = hint_at(model->commands, state->view, place);
        char key[16];
        if (command == NULL || keymap_next_key(command, NULL, key) == NULL) {
            continue;
        }
        if ((int)(strlen(key) + strlen(command->hint)) + 1 > area.width) {
            break;
        }
        canvas_append(canvas, &area, STYLE(ROLE_ACCENT), key);
        canvas_append(canvas, &area, STYLE(ROLE_DIM), " ");
        canvas_append(canvas, &area, STYLE(ROLE_DIM), command->hint);
        canvas_append(canvas, &area, STYLE(ROLE_DIM), "   ");
    }
}

/* The views that a digit opens. */
static void draw_views(const struct model *model, const struct view_state *state,
                       struct canvas *canvas, struct area area)
{
    area.x++;
    area.width--;
    for (size_t i = 0; i < model->commands->count; i++) {
        const struct command *command = &model->commands->rows[i];
        if (command->keys == NULL || command->keys[0] < '1' || command->keys[0] > '8') {
            continue;
        }
        bool here = command->amount == (int)state->view;
        canvas_append(canvas, &area, STYLE(ROLE_ACCENT), (char[]){command->keys[0], ' ', '\0'});
        canvas_append(canvas, &area,
                      STYLE_WITH(here ? ROLE_PLAIN : ROLE_DIM, here ? STYLE_BOLD : 0),
                      views[command->amount].title);
        canvas_append(canvas, &area, STYLE(ROLE_DIM), "   ");
    }
}

static void draw_footer(const struct model *model, const struct view_state *state,
                        struct canvas *canvas, const struct layout *layout)
{
    if (layout->rule.height > 0) {
        canvas_rule(canvas, layout->rule, STYLE(ROLE_DIM));
    }
    if (layout->hints.height > 0) {
        draw_hints(model, state, canvas, layout->hints);
    }
    if (layout->views.height > 0) {
        draw_views(model, state, canvas, layout->views);
    }
}

static void draw_side(struct canvas *canvas, struct area area)
{
    struct area side = {area.x, area.y, 1, area.height};
    canvas_fill(canvas, side, STYLE(ROLE_DIM), canvas->glyphs == GLYPHS_LINES ? 0x2502 : '|');
}

static void draw_events_pane(const struct model *model, struct canvas *canvas,
                             const struct layout *layout)
{
    struct area area = layout->events;
    struct area title = {area.x + 2, area.y, area.width - 2, 1};

    if (layout->detail.x > 0) {
        draw_side(canvas, (struct area){layout->detail.x, area.y, 1, area.height});
    }
    canvas_rule(canvas, area, STYLE(ROLE_DIM));
    canvas_text(canvas, title, STYLE(ROLE_ACCENT), " Events ");
    events_draw_pane(model, canvas,
                     (struct area){area.x + 1, area.y + 1, area.width - 2, area.height - 1});
}

static void draw_detail_pane(const struct model *model, const struct view_state *state,
                             struct canvas *canvas, const struct layout *layout)
{
    const struct model_row *row = guest_list_selected(&state->list);
    struct area area = layout->detail;

    if (area.x > 0) {
        draw_side(canvas, area);
        area.x += 2;
        area.width -= 2;
    } else {
        canvas_rule(canvas, area, STYLE(ROLE_DIM));
    }
    struct area title = {area.x + (area.x > 0 ? 0 : 2), area.y, area.width, 1};
    canvas_format(canvas, title, STYLE(ROLE_ACCENT), " %s ", row == NULL ? "-" : row->vm.name);
    area.y++;
    area.height--;
    area.x++;
    area.width -= 2;
    details_draw(model, state, canvas, area);
}

void view_draw(const struct model *model, const struct view_state *state, struct canvas *canvas)
{
    struct layout layout = layout_for(state, canvas->width, canvas->height);

    canvas_clear(canvas);
    if (layout.header.height > 0) {
        header_draw(model, state, canvas, layout.header);
    }
    if (layout.filter.height > 0) {
        vms_draw_filter(model, state, canvas, layout.filter);
    }
    draw_footer(model, state, canvas, &layout);
    views[state->view].draw(model, state, canvas, layout.body);
    if (layout.detail.height > 0) {
        draw_detail_pane(model, state, canvas, &layout);
    }
    if (layout.events.height > 0) {
        draw_events_pane(model, canvas, &layout);
    }
    if (layout.ticker.height > 0) {
        events_draw_ticker(model, canvas, layout.ticker);
    }
    if (layout.message.height > 0) {
        message_draw(model, state, canvas, &layout);
    }
    if (state->form.open) {
        form_draw(model, &state->form, canvas);
    }
}
