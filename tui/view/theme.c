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
    [ROLE_PLAIN] = {-1, -1, 0, 0},         [ROLE_RUN] = {63, 4, 0, 0},
    [ROLE_PAUSED] = {98, 5, 0, 0},         [ROLE_OFF] = {243, -1, 0, 0},
    [ROLE_BUSY] = {29, 6, 0, 0},           [ROLE_ERROR] = {163, 1, STYLE_BOLD, STYLE_BOLD},
    [ROLE_WARN] = {131, 3, 0, STYLE_BOLD}, [ROLE_ACCENT] = {29, 6, STYLE_BOLD, STYLE_BOLD},
    [ROLE_DIM] = {243, -1, 0, STYLE_DIM},
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
