/*
 * desk: the console without its terminal and its source: model, state, and what keys do to it.
 *
 * What must happen outside is said by the result of a key, and app.c does it. One thread.
 */
#ifndef TUI_DESK_H
#define TUI_DESK_H

#include "ask.h"
#include "beside.h"
#include "input/commands.h"
#include "view/view.h"

/* What must follow; bits. */
enum act {
    ACT_NOTHING = 0,
    ACT_DRAW = 1,    /* the picture changed */
    ACT_REPAINT = 2, /* the terminal's picture is not to be trusted */
    ACT_QUIT = 4,
    ACT_SUSPEND = 8,
    ACT_COPY = 16,    /* desk.text to the clipboard */
    ACT_SHOT = 32,    /* the picture to the file desk.text */
    ACT_ASK = 64,     /* the daemon for desk.ask */
    ACT_OFFERS = 128, /* the daemon for what guests can be made from */
    ACT_VIEWER = 256, /* a local viewer for the guest desk.text */
    ACT_DISKS = 512,  /* the daemon for the disks of desk.ask's guests */
    ACT_HUSH = 1024,  /* what was typed and is not read yet is dropped */
};

struct sent;

/* All that the console is, but for its terminal and its source. */
struct desk {
    struct model model;
    struct view_state state;
    struct layout layout; /* of the last size */
    char text[1024];
    struct ask ask;           /* that waits for a yes, or is to be sent */
    unsigned asked;           /* asks so far */
    struct sent *sent;        /* those that are not answered yet */
    struct target *looked_at; /* whose screen V is about; owned, NULL: nobody's */
    struct {
        char *file; /* leads a browser to a screen; NULL: none */
        int64_t session;
        bool seen; /* its session has been told of */
    } link;
    struct beside beside; /* programs that show screens */
};

void desk_init(struct desk *desk);
void desk_done(struct desk *desk);

/* Lays out anew for a size; returns bits of enum act. */
unsigned desk_resize(struct desk *desk, int width, int height);

/* Brings list and scrolling up to date with model and clock; before each picture. */
void desk_refresh(struct desk *desk);

/* A key was hit; returns bits of enum act. */
unsigned desk_key(struct desk *desk, struct key key);

/* One line of text was pasted (`cut`: and more); returns bits of enum act. It is text for what is
 * typed into, and nothing elsewhere. */
unsigned desk_paste(struct desk *desk, const char *text, bool cut);

/* Nothing is heard for DEAF_MS; returns bits of enum act. */
unsigned desk_turn_deaf(struct desk *desk);

/* How something that was asked for went, behind what else is said of such and was not read yet. */
void desk_tell(struct desk *desk, enum style_role role, const char *text);

/* Whether the guest under the cursor came there by itself, just now: no key can have meant it. */
bool desk_has_shifted(const struct desk *desk);

/* A line in the footer for a while. */
void desk_say(struct desk *desk, enum style_role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
