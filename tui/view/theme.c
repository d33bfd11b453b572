/*
 * theme: one row per style_role.
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

struct look theme_look(enum style_role role, enum palette palette)
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

/* The cube's six levels: 0, and 95 to 255 by 40. */
static int level_of(int part)
{
    return part < 48 ? 0 : part < 115 ? 1 : (part - 35) / 40;
}

static int level_part(int level)
{
    return level == 0 ? 0 : 55 + 40 * level;
}

static int square(int number)
{
    return number * number;
}

static int distance(struct colour colour, int red, int green, int blue)
{
    return square(colour.red - red) + square(colour.green - green) + square(colour.blue - blue);
}

/* The cube (16 to 231) and the ramp of greys (232 to 255) are the same everywhere; the first 16
 * are the user's. */
int theme_nearest(struct colour colour, enum palette palette)
{
    int red = level_of(colour.red);
    int green = level_of(colour.green);
    int blue = level_of(colour.blue);
    int grey = ((colour.red + colour.green + colour.blue) / 3 - 3) / 10;

    if (palette == PALETTE_8) {
        return (colour.red >> 7) + 2 * (colour.green >> 7) + 4 * (colour.blue >> 7);
    }
    grey = grey < 0 ? 0 : grey > 23 ? 23 : grey;
    int part = 8 + 10 * grey;
    bool is_grey = distance(colour, part, part, part) <
                   distance(colour, level_part(red), level_part(green), level_part(blue));
    return is_grey ? 232 + grey : 16 + 36 * red + 6 * green + blue;
}
