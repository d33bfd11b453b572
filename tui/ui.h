/*
 * ui: the TUI without its terminal and its source: model, state, and what keys do to it.
 *
 * What must happen outside is said by the result of a key, and app.c does it. One thread.
 */
#ifndef TUI_UI_H
#define TUI_UI_H

#include "ask.h"
#include "beside.h"
#include "input/commands.h"
#include "list.h"
#include "view/view.h"

/* What must follow; bits. */
enum act {
    ACT_NOTHING = 0,
    ACT_DRAW = 1,    /* the picture changed */
    ACT_REPAINT = 2, /* the terminal's picture is not to be trusted */
    ACT_QUIT = 4,
    ACT_SUSPEND = 8,
    ACT_COPY = 16,    /* ui.text to the clipboard */
    ACT_SHOT = 32,    /* the picture to the file ui.text */
    ACT_ASK = 64,     /* the daemon for ui.ask */
    ACT_OFFERS = 128, /* the daemon for what guests can be made from */
    ACT_VIEWER = 256, /* a local viewer for the guest ui.text */
    ACT_DISKS = 512,  /* the daemon for the disks of ui.ask's guests */
    ACT_HUSH = 1024,  /* what was typed and is not read yet is dropped */
};

/* All that the TUI is, but for its terminal and its source. */
struct ui {
    struct model model;
    struct view_state state;
    struct layout layout; /* of the last size */
    char text[1024];
    struct ask ask;           /* that waits for a yes, or is to be sent */
    unsigned asked;           /* asks so far */
    struct list sent;         /* those that are not answered yet (sent.c) */
    struct target *looked_at; /* whose screen V is about; owned, NULL: nobody's */
    struct {
        char *file; /* leads a browser to a screen; NULL: none */
        int64_t session;
        bool seen; /* its session has been told of */
    } link;
    struct beside beside; /* programs that show screens */
};

void ui_init(struct ui *ui, const struct command_set *commands);
void ui_done(struct ui *ui);

/* Lays out anew for a size, or for that of before; returns bits of enum act. */
unsigned ui_resize(struct ui *ui, int width, int height);
unsigned ui_lay_out(struct ui *ui);

/* Opens a view; Esc returns to the one of before. */
void ui_go_to(struct ui *ui, enum view_id view);

/* Brings list and scrolling up to date with model and clock; before each picture. */
void ui_refresh(struct ui *ui);

/* A key was hit; returns bits of enum act. */
unsigned ui_key(struct ui *ui, struct key key);

/* One line of text was pasted (`cut`: and more); returns bits of enum act. It is text for what is
 * typed into, and nothing elsewhere. */
unsigned ui_paste(struct ui *ui, const char *text, bool cut);

/* Nothing is heard for DEAF_MS; returns bits of enum act. */
unsigned ui_turn_deaf(struct ui *ui);

/* How something that was asked for went, behind what else is said of such and was not read yet. */
void ui_tell(struct ui *ui, enum style_role role, const char *text);

/* What came of such while something hid it is shown from now on. */
void ui_show_answers(struct ui *ui);

/* Whether the guest under the cursor came there by itself, just now: no key can have meant it. */
bool ui_has_shifted(const struct ui *ui);

/* A line in the footer for a while. */
void ui_say(struct ui *ui, enum style_role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
