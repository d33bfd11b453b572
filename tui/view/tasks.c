/* tasks: operations, newest first: what, on which guest, who asked, and where it stands. */
#include "view/figures.h"
#include "view/lines.h"
#include "view/view.h"
#include "words.h"

#include <stdio.h>

static enum style_role op_style_role(enum lodge_op_state state)
{
    switch (state) {
    case LODGE_OP_RUNNING:
    case LODGE_OP_WAITING:
        return ROLE_RUN;
    case LODGE_OP_UNDOING:
    case LODGE_OP_CANCELLED:
        return ROLE_WARN;
    case LODGE_OP_FAILED:
        return ROLE_ERROR;
    case LODGE_OP_DONE:
    case LODGE_OP_UNKNOWN:
    case LODGE_OP_STATES:
        break;
    }
    return ROLE_DIM;
}

static void draw_op(const struct model *model, const struct lodge_op *op, struct lines *lines)
{
    struct area line = lines_take(lines, 1);
    const char *error = op->error.message != NULL ? op->error.message : op->reason;
    bool live = op->ended_at == 0;
    char text[640];

    snprintf(text, sizeof text, "%6lld  %-12s", (long long)op->id, words_for_kind(op->kind));
    canvas_text(lines->canvas, (struct area){line.x, line.y, 21, 1}, STYLE(ROLE_PLAIN), text);
    canvas_name(lines->canvas, (struct area){line.x + 22, line.y, 20, 1}, STYLE(ROLE_PLAIN),
                op->vm == NULL ? "" : op->vm);
    canvas_text(lines->canvas, (struct area){line.x + 43, line.y, 10, 1},
                STYLE(op_style_role(op->state)), lodge_op_state_name(op->state));
    snprintf(text, sizeof text, "%-5s %s%s",
             figure_age(model->now_ms - (live ? op->started_at : op->ended_at)).text,
             error != NULL ? error
             : live        ? (op->step == NULL ? "" : op->step)
                           : "",
             "");
    canvas_text(lines->canvas, (struct area){line.x + 54, line.y, line.width - 54, 1},
                STYLE(error != NULL ? ROLE_WARN : ROLE_DIM), text);
}

void tasks_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                struct area area)
{
    struct lines lines = {
        canvas, {area.x + 1, area.y, area.width - 2, area.height}, state->scroll, 0};

    if (model->op_count == 0) {
        struct area middle = {area.x + 2, area.y + 1, area.width - 4, 1};
        canvas_text(canvas, middle, STYLE(ROLE_DIM),
                    "No operations yet: what is created, started or deleted stands here.");
        return;
    }
    for (size_t i = 0; i < model->op_count; i++) {
        draw_op(model, &model->ops[i], &lines);
    }
}

int tasks_lines(const struct model *model, const struct view_state *state, struct area area)
{
    (void)state;
    (void)area;
    return (int)model->op_count;
}
