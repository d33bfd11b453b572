/*
 * theme: what a colour means. Views name a style_role; screen.c asks here how that looks on a
 * terminal with 256, 8 or no colours. The background is always the terminal's own, but for pictures
 * of guests' screens. No state.
 */
#ifndef TUI_VIEW_THEME_H
#define TUI_VIEW_THEME_H

#include "model/pixels.h"

#include <stdint.h>

enum style_role {
    ROLE_PLAIN,
    ROLE_RUN,
    ROLE_PAUSED,
    ROLE_OFF,
    ROLE_BUSY,
    ROLE_ERROR,
    ROLE_WARN,
    ROLE_ACCENT, /* titles, keys */
    ROLE_DIM,    /* labels, rules, what is less important */
    ROLES,
};

enum style_flag {
    STYLE_BOLD = 1,
    STYLE_DIM = 2,
    STYLE_REVERSE = 4,
    STYLE_UNDERLINE = 8,
    STYLE_COLOURS = 16, /* ink on paper, whatever the role: a picture's cell */
};

struct style {
    uint8_t role;  /* enum style_role */
    uint8_t flags; /* of enum style_flag */
    uint8_t ink;   /* numbers of the palette's colours, where STYLE_COLOURS */
    uint8_t paper;
};

#define STYLE(r) ((struct style){.role = (r)})
#define STYLE_WITH(r, f) ((struct style){.role = (r), .flags = (f)})

enum palette { PALETTE_NONE, PALETTE_8, PALETTE_256 };

/* How it looks: a colour number of the palette (-1: the terminal's own) and flags. */
struct look {
    int colour;
    unsigned flags;
};

struct look theme_look(enum style_role role, enum palette palette);

/* The number of the palette's colour that is nearest; the palette must have colours. */
int theme_nearest(struct colour colour, enum palette palette);

#endif
