/*
 * message: what the TUI says, asks and is being told, in the lines above the hints. As many as
 * it takes: they cover what stands above them, from the bottom upwards, and the line that is typed
 * into, with what answers a question, is always the last of them.
 */
#include "view/view.h"

#include <stdio.h>
#include <string.h>

int64_t view_deaf_ms(const struct view_state *state, int64_t now_ms)
{
    int64_t left = state->deaf_until_ms - now_ms;

    return left > 0 && left <= DEAF_MS ? left : 0; /* a clock that was put back deafens nobody */
}

/* The lines that there may be at most: some of the list stays to be seen. */
static int most_lines(const struct layout *layout)
{
    int above = layout->message.y - layout->header.height - layout->filter.height;
    int most = above * 2 / 3;

    return most < 1 ? 1 : most;
}

/* The area of so many lines that ends with the message's, blank. */
static struct area take_message_lines(struct canvas *canvas, const struct layout *layout, int lines)
{
    struct area area = layout->message;

    area.y -= lines - 1;
    area.height = lines;
    canvas_fill(canvas, area, STYLE(ROLE_PLAIN), ' ');
    if (lines > 1 && layout->rule.height > 0 && area.y - 1 > layout->header.height) {
        canvas_rule(canvas, (struct area){area.x, area.y - 1, area.width, 1}, STYLE(ROLE_DIM));
    }
    area.x++;
    area.width -= 2;
    return area;
}

static void draw_lines(struct canvas *canvas, const struct layout *layout, enum style_role role,
                       const char *text)
{
    int lines = canvas_paragraph_lines(canvas, layout->message.width - 2, text);
    int most = most_lines(layout);
    struct area area = take_message_lines(canvas, layout,
                                          lines > most ? most
                                          : lines < 1  ? 1
                                                       : lines);

    canvas_paragraph(canvas, area, STYLE(role), text);
}

/* The line that is typed into. */
static void draw_input(const struct prompt *prompt, struct canvas *canvas, struct area line,
                       const char *before, enum style_role role)
{
    int used = canvas_text(canvas, line, STYLE(role), before);

    line.x += used;
    line.width -= used;
    canvas_input(canvas, line, STYLE(ROLE_PLAIN), prompt->text, prompt->cursor);
}

/* ":" and what is typed, or how it goes on above it. */
static void draw_typed_command(const struct model *model, const struct view_state *state,
                               struct canvas *canvas, const struct layout *layout)
{
    bool says = state->message.until_ms > model->now_ms;
    const char *text = says ? state->message.text : "";
    int lines = canvas_paragraph_lines(canvas, layout->message.width - 2, text);
    int most = most_lines(layout) - 1;
    struct area area = take_message_lines(canvas, layout, 1 + (lines > most ? most : lines));

    area.height--;
    canvas_paragraph(canvas, area, STYLE((enum style_role)state->message.role), text);
    draw_input(&state->prompt, canvas, (struct area){area.x, area.y + area.height, area.width, 1},
               ":", ROLE_ACCENT);
}

/* A question. What answers it is shown when it is heard. */
static void draw_question(const struct model *model, const struct view_state *state,
                          struct canvas *canvas, const struct layout *layout)
{
    const struct prompt *prompt = &state->prompt;
    bool hears = view_deaf_ms(state, model->now_ms) == 0;
    int width = layout->message.width - 2;
    int lines = canvas_paragraph_lines(canvas, width, prompt->label);
    int answer =
        canvas_text_width(canvas, prompt->answers) + canvas_text_width(canvas, prompt->text) + 2;
    bool beside = lines == 1 && canvas_text_width(canvas, prompt->label) + answer <= width;
    int answers = beside ? 0
                  : prompt->kind == PROMPT_NAME
                      ? 1
                      : canvas_paragraph_lines(canvas, width, prompt->answers);
    int most = most_lines(layout) - answers;
    struct area area = take_message_lines(canvas, layout, answers + (lines > most ? most : lines));

    area.height -= answers;
    canvas_paragraph(canvas, area, STYLE(ROLE_WARN), prompt->label);
    struct area rest = {area.x, area.y + area.height, area.width, answers};
    if (beside) {
        int used = canvas_text_width(canvas, prompt->label) + 1;
        rest = (struct area){area.x + used, area.y, area.width - used, 1};
    }
    if (hears && prompt->kind == PROMPT_NAME) {
        char before[sizeof prompt->answers + 1];
        snprintf(before, sizeof before, "%s ", prompt->answers);
        draw_input(prompt, canvas, rest, before, ROLE_WARN);
    } else if (hears) {
        canvas_paragraph(canvas, rest, STYLE(ROLE_WARN), prompt->answers);
    }
}

void message_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                  const struct layout *layout)
{
    const struct prompt *prompt = &state->prompt;

    if (prompt->kind == PROMPT_COMMAND) {
        draw_typed_command(model, state, canvas, layout);
    } else if (prompt_is_question(prompt)) {
        draw_question(model, state, canvas, layout);
    } else if (state->frozen) {
        draw_lines(canvas, layout, ROLE_WARN,
                   "frozen: the picture stands still, data comes in unseen; Z goes on");
    } else if (state->list.error.kind != LODGE_ERROR_NONE) {
        draw_lines(canvas, layout, ROLE_WARN, state->list.error.message);
    } else if (state->message.until_ms > model->now_ms) {
        draw_lines(canvas, layout, (enum style_role)state->message.role, state->message.text);
    } else if (model->link.state != LINK_LIVE && model->link.error[0] != '\0' && model->total > 0) {
        draw_lines(canvas, layout, ROLE_ERROR, model->link.error);
    }
}
