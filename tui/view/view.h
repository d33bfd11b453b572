/*
 * view: what is on the screen. A view draws the model into an area of a canvas, and looks the same
 * for the same model and state; what moves in it, and what Enter opens, is its own as well. It asks
 * nobody.
 *
 * view_state is all that keys can change, by move and open or by act.c. layout says where things
 * stand for a size; drawing and scrolling both go by it. One thread.
 */
#ifndef TUI_VIEW_VIEW_H
#define TUI_VIEW_VIEW_H

#include "input/form.h"
#include "input/prompt.h"
#include "model/guest_list.h"
#include "model/model.h"
#include "view/canvas.h"

enum view_id {
    VIEW_VMS,
    VIEW_DETAILS,
    VIEW_HOSTS,
    VIEW_QUOTAS,
    VIEW_EVENTS,
    VIEW_TASKS,
    VIEW_SESSIONS,
    VIEW_SCREEN,
    VIEW_HELP,
    VIEWS
};

#define VIEW_DEPTH 8

/* How long no key is heard once a question stands: what was on its way is no answer. */
#define DEAF_MS 250

/* A guest's screen as it was when the answer came. */
struct shot {
    char *vm;   /* HOST/UUID; owned, NULL: none was taken */
    char *name; /* owned */
    struct pixels pixels;
    int64_t at_ms;
};

struct view_state {
    enum view_id view;
    enum view_id back[VIEW_DEPTH]; /* where Esc returns to */
    size_t depth;
    struct guest_list list;
    size_t host_cursor; /* of the hosts view */
    size_t session_cursor;
    int scroll;       /* lines above the top of details or help */
    int header_lines; /* 2, 1, 0: as `H` chose */
    bool zoomed;      /* the list alone */
    bool frozen;      /* the picture stands still (app.c), data comes in unseen */
    struct prompt prompt;
    struct form form;
    struct shot shot;
    int64_t deaf_until_ms; /* see view_deaf_ms() */
    int64_t shifted_ms;    /* when another guest came under the cursor by itself */
    struct {
        char text[2048];
        enum style_role role;
        int64_t until_ms;
        bool is_answer; /* of something that was asked for: what comes next is said behind it */
    } message;
};

/* For how many ms no key is heard yet; 0: it is. */
int64_t view_deaf_ms(const struct view_state *state, int64_t now_ms);

struct layout {
    struct area screen;
    struct area header; /* heights of 0 are what there was no room for */
    struct area filter;
    struct area body;    /* the view: titles and rows */
    struct area detail;  /* beside or below the guest list */
    struct area events;  /* beside or below the details … */
    struct area ticker;  /* … or the last of them in a line above the message */
    struct area message; /* and typing */
    struct area hints;
    struct area views;
    struct area rule; /* above the footer */
};

struct layout layout_for(const struct view_state *state, int width, int height);

/* Lines of the body that show rows. */
size_t layout_page(const struct layout *layout);

struct view {
    const char *name;  /* as typed: `:hosts` */
    const char *title; /* as in the header */
    void (*draw)(const struct model *model, const struct view_state *state, struct canvas *canvas,
                 struct area area);
    /* Lines that the view would fill in such an area, so that scrolling ends; NULL: it does not
     * scroll. */
    int (*lines)(const struct model *model, const struct view_state *state, struct area area);
    /* The cursor, or what is seen, goes on by so many; NULL: nothing moves in it. */
    void (*move)(const struct model *model, struct view_state *state, long by);
    /* Which view shows what is under its cursor, itself for none; NULL: as vms_open(). */
    enum view_id (*open)(const struct model *model, struct view_state *state);
};

extern const struct view views[VIEWS];

/* The whole screen. */
void view_draw(const struct model *model, const struct view_state *state, struct canvas *canvas);

/* Messages, questions and what is typed, over as many lines above the hints as they take. */
void message_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                  const struct layout *layout);

/* The parts around the view. */
void header_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                 struct area area);

void vms_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
              struct area area);
void vms_move(const struct model *model, struct view_state *state, long by);
enum view_id vms_open(const struct model *model, struct view_state *state);
void vms_draw_filter(const struct model *model, const struct view_state *state,
                     struct canvas *canvas, struct area area);
void details_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                  struct area area);
int details_lines(const struct model *model, const struct view_state *state, struct area area);
void hosts_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                struct area area);
void hosts_move(const struct model *model, struct view_state *state, long by);
enum view_id hosts_open(const struct model *model, struct view_state *state);
void quotas_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                 struct area area);
void events_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                 struct area area);
int events_lines(const struct model *model, const struct view_state *state, struct area area);
void events_draw_pane(const struct model *model, struct canvas *canvas, struct area area);
void events_draw_ticker(const struct model *model, struct canvas *canvas, struct area area);
void tasks_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                struct area area);
void sessions_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                   struct area area);
void sessions_move(const struct model *model, struct view_state *state, long by);
void guest_screen_draw(const struct model *model, const struct view_state *state,
                       struct canvas *canvas, struct area area);
int tasks_lines(const struct model *model, const struct view_state *state, struct area area);
void help_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
               struct area area);
int help_lines(const struct model *model, const struct view_state *state, struct area area);

/* Over all else, while it is open. */
void form_draw(const struct model *model, const struct form *form, struct canvas *canvas);

/* Why there is nothing to show, in the middle of an area: the daemon, the host, or nobody is at
 * fault, and never silently. */
void blank_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                struct area area);

#endif
