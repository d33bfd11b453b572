/*
 * theme: what a colour means. Views name roles; screen.c asks here how a role looks on a terminal
 * with 256, 8 or no colours. The background is always the terminal's own. No state.
 */
#ifndef TUI_VIEW_THEME_H
#define TUI_VIEW_THEME_H

#include <stdint.h>

enum role {
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
};

struct style {
    uint8_t role;  /* enum role */
    uint8_t flags; /* of enum style_flag */
};

#define STYLE(r) ((struct style){.role = (r)})
#define STYLE_WITH(r, f) ((struct style){.role = (r), .flags = (f)})

enum palette { PALETTE_NONE, PALETTE_8, PALETTE_256 };

/* How a role looks: a colour number of the palette (-1: the terminal's own) and flags. */
struct look {
    int colour;
    unsigned flags;
};

struct look theme_look(enum role role, enum palette palette);

#endif
