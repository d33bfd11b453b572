/* events: what happened to guests and operations, newest first: a view, a pane, a line. */
#include "view/figures.h"
#include "view/lines.h"
#include "view/view.h"

enum { CLOCK_WIDTH = 8, HOUR_WIDTH = 5 };

static void draw_line(const struct activity *activity, struct canvas *canvas, struct area line)
{
    canvas_text(canvas, line, STYLE(ROLE_DIM), figure_clock(activity->at_ms).text);
    line.x += CLOCK_WIDTH + 2;
    line.width -= CLOCK_WIDTH + 2;
    canvas_text(canvas, line, STYLE(activity->bad ? ROLE_ERROR : ROLE_PLAIN), activity->text);
}

/* Each whole, over as many lines as it takes: what to do about it stands at its end. */
static void draw_whole(const struct model *model, struct lines *lines)
{
    size_t count = model_activity_count(model);

    for (size_t i = 0; i < count; i++) {
        const struct activity *activity = model_activity(model, i);
        lines_paragraph(lines, CLOCK_WIDTH + 2, figure_clock(activity->at_ms).text,
                        STYLE(activity->bad ? ROLE_ERROR : ROLE_PLAIN), activity->text);
    }
}

void events_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                 struct area area)
{
    struct lines lines = {
        canvas, {area.x + 1, area.y, area.width - 2, area.height}, state->scroll, 0};

    if (model_activity_count(model) == 0) {
        struct area middle = {area.x + 2, area.y + 1, area.width - 4, 1};
        canvas_text(canvas, middle, STYLE(ROLE_DIM),
                    "Nothing has happened since this console was opened.");
    }
    draw_whole(model, &lines);
}

int events_lines(const struct model *model, const struct view_state *state, struct area area)
{
    struct canvas nowhere = {.glyphs = GLYPHS_ASCII};
    struct lines lines = {&nowhere, {0, 0, area.width - 2, area.height}, 0, 0};

    (void)state;
    draw_whole(model, &lines);
    return lines.line;
}

void events_draw_pane(const struct model *model, struct canvas *canvas, struct area area)
{
    size_t count = model_activity_count(model);

    for (int i = 0; i < area.height && (size_t)i < count; i++) {
        draw_line(model_activity(model, (size_t)i), canvas,
                  (struct area){area.x, area.y + i, area.width, 1});
    }
}

/* Where there is no room for a pane: as many of the last as fit beside each other. */
void events_draw_ticker(const struct model *model, struct canvas *canvas, struct area area)
{
    size_t count = model_activity_count(model);

    area.x++;
    area.width--;
    for (size_t i = 0; i < count && area.width > HOUR_WIDTH; i++) {
        const struct activity *activity = model_activity(model, i);
        int wanted = HOUR_WIDTH + 1 + canvas_text_width(canvas, activity->text);
        if (i > 0 && wanted + 3 > area.width) {
            break;
        }
        int used = canvas_format(canvas, area, STYLE(ROLE_DIM), "%s%.*s ", i > 0 ? " | " : "",
                                 HOUR_WIDTH, figure_clock(activity->at_ms).text);
        area.x += used;
        area.width -= used;
        used = canvas_text(canvas, area, STYLE(activity->bad ? ROLE_ERROR : ROLE_PLAIN),
                           activity->text);
        area.x += used;
        area.width -= used;
    }
}
