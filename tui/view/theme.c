/*
 * theme: one row per role.
 *
 * The 256-colour numbers are the six of the cube and the grey ramp that reach a contrast of 4.5:1
 * against black and against white alike (a test computes it), so that one theme serves both kinds
 * of terminal. Running is blue and broken is red with bold and a letter of its own: nothing hangs
 * on telling red from green. Without colours the flags alone must do.
 */
#include "view/theme.h"

static const struct {
    int colour_256;
    int colour_8;
    unsigned flags;      /* with colours */
    unsigned flags_mono; /* without */
} themes[ROLES] = {
    [ROLE_PLAIN] =
        {
            .colour_256 = -1,
            .colour_8 = -1,
        },
    [ROLE_RUN] =
        {
            .colour_256 = 63,
            .colour_8 = 6,
        },
    [ROLE_PAUSED] =
        {
            .colour_256 = 98,
            .colour_8 = 5,
        },
    [ROLE_OFF] =
        {
            .colour_256 = 243,
            .colour_8 = -1,
        },
    [ROLE_BUSY] =
        {
            .colour_256 = 29,
            .colour_8 = 6,
        },
    [ROLE_ERROR] =
        {
            .colour_256 = 163,
            .colour_8 = 1,
            .flags = STYLE_BOLD,
            .flags_mono = STYLE_BOLD,
        },
    [ROLE_WARN] =
        {
            .colour_256 = 131,
            .colour_8 = 3,
            .flags_mono = STYLE_BOLD,
        },
    [ROLE_ACCENT] =
        {
            .colour_256 = 29,
            .colour_8 = -1,
            .flags = STYLE_BOLD,
            .flags_mono = STYLE_BOLD,
        },
    [ROLE_DIM] =
        {
            .colour_256 = 243,
            .colour_8 = -1,
            .flags_mono = STYLE_DIM,
        },
};

struct look theme_look(enum role role, enum palette palette)
{
    struct look look = {.colour = -1, .flags = themes[role].flags};

    switch (palette) {
    case PALETTE_256:
        look.colour = themes[role].colour_256;
        break;
    case PALETTE_8:
        look.colour = themes[role].colour_8;
        if (look.colour < 0) {
            look.flags = themes[role].flags_mono;
        }
        break;
    case PALETTE_NONE:
        look.flags = themes[role].flags_mono;
        break;
    }
    return look;
}
