/* sessions: who looks at which screen, from where, and since when they have done nothing. */
#include "scope.h"
#include "units.h"
#include "view/figures.h"
#include "view/lines.h"
#include "view/view.h"

#include <stdio.h>

enum { PLACE_USER = 24, PLACE_MODE = 36, PLACE_STATE = 42, PLACE_SINCE = 50, PLACE_IDLE = 57 };
enum { PLACE_BYTES = 64, PLACE_PEER = 73 };

static void put_cell(struct canvas *canvas, struct area line, int place, struct style style,
                     const char *text)
{
    if (line.width > place) {
        canvas_text(canvas, (struct area){line.x + place, line.y, line.width - place, 1}, style,
                    text);
    }
}

static void put_name(struct canvas *canvas, struct area line, int place, int width,
                     const char *name)
{
    canvas_name(canvas, (struct area){line.x + place, line.y, width, 1}, STYLE(ROLE_PLAIN),
                name == NULL ? "" : name);
}

static void draw_session_titles(struct canvas *canvas, struct area line)
{
    static const struct {
        int place;
        const char *text;
    } titles[] = {{2, "VM"},
                  {PLACE_USER, "USER"},
                  {PLACE_MODE, "MODE"},
                  {PLACE_STATE, "STATE"},
                  {PLACE_SINCE, "SINCE"},
                  {PLACE_IDLE, "IDLE"},
                  {PLACE_BYTES, "BYTES"},
                  {PLACE_PEER, "FROM"}};
    for (size_t i = 0; i < ARRAY_LENGTH(titles); i++) {
        put_cell(canvas, line, titles[i].place, STYLE(ROLE_DIM), titles[i].text);
    }
}

static void draw_session(const struct model *model, const struct lodge_session *session,
                         struct canvas *canvas, struct area line)
{
    char figure[UNIT_TEXT];
    bool open = session->state == LODGE_SESSION_OPEN;
    int64_t idle = session->idle_s;

    put_name(canvas, line, 2, PLACE_USER - 3, session->vm);
    put_name(canvas, line, PLACE_USER, PLACE_MODE - PLACE_USER - 1, session->user);
    put_cell(canvas, line, PLACE_MODE, STYLE(ROLE_PLAIN), lodge_session_mode_name(session->mode));
    put_cell(canvas, line, PLACE_STATE, STYLE(open ? ROLE_RUN : ROLE_DIM),
             lodge_session_state_name(session->state));
    put_cell(canvas, line, PLACE_SINCE, STYLE(ROLE_PLAIN),
             figure_age(model->now_ms - session->started_at).text);
    put_cell(canvas, line, PLACE_IDLE, STYLE(ROLE_PLAIN),
             idle < 0 ? "-" : figure_age(idle * 1000).text);
    put_cell(canvas, line, PLACE_BYTES, STYLE(ROLE_PLAIN),
             session->bytes < 0 ? "-" : rate_text(figure, session->bytes));
    put_cell(canvas, line, PLACE_PEER, STYLE(ROLE_DIM), session->peer == NULL ? "" : session->peer);
}

void sessions_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                   struct area area)
{
    int page = area.height - 1;
    int cursor = (int)state->session_cursor;
    int top = page > 0 && cursor >= page ? cursor - page + 1 : 0;
    struct lines lines = {canvas, {area.x, area.y + 1, area.width, page}, top, 0};

    if (model->session_count == 0) {
        struct area middle = {area.x + 2, area.y + 1, area.width - 4, 1};
        canvas_text(canvas, middle, STYLE(ROLE_DIM),
                    "Nobody looks at a screen. `v` on a guest opens its.");
        return;
    }
    draw_session_titles(canvas, (struct area){area.x, area.y, area.width, 1});
    for (size_t i = 0; i < model->session_count; i++) {
        struct area line = lines_take(&lines, 1);
        draw_session(model, &model->sessions[i], canvas, line);
        if (i == state->session_cursor) {
            canvas_text(canvas, line, STYLE(ROLE_PLAIN), ">");
            canvas_add_flags(canvas, line, STYLE_REVERSE);
        }
    }
}

void sessions_move(const struct model *model, struct view_state *state, long by)
{
    long to = (long)state->session_cursor + by;

    (void)model;
    state->session_cursor = to < 0 ? 0 : (size_t)to; /* the other end is ui_refresh's */
}
