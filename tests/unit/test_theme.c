/* Colours that can be read on black and on white. */
#include "support/test.h"

#include "view/theme.h"

#include <math.h>

/* Relative luminance of one of the 256 colours from 16 on (WCAG 2). */
static double luminance(int colour)
{
    static const int levels[] = {0, 95, 135, 175, 215, 255};
    static const double weights[] = {0.2126, 0.7152, 0.0722};
    int cube = colour - 16;
    int grey = 8 + 10 * (colour - 232);
    int parts[3] = {grey, grey, grey};
    double sum = 0;

    if (colour < 232) {
        parts[0] = levels[cube / 36];
        parts[1] = levels[cube / 6 % 6];
        parts[2] = levels[cube % 6];
    }
    for (int i = 0; i < 3; i++) {
        double part = parts[i] / 255.0;
        sum += weights[i] * (part <= 0.03928 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static void every_role_can_be_read_on_black_and_on_white(void **state)
{
    (void)state;
    for (enum role role = ROLE_PLAIN + 1; role < ROLES; role++) {
        struct look look = theme_look(role, PALETTE_256);
        assert_in_range(look.colour, 16, 255);
        assert_true((luminance(look.colour) + 0.05) / 0.05 >= 4.5);
        assert_true(1.05 / (luminance(look.colour) + 0.05) >= 4.5);
    }
}

static void eight_colours_and_none_are_enough(void **state)
{
    (void)state;
    for (enum role role = ROLE_PLAIN; role < ROLES; role++) {
        assert_in_range(theme_look(role, PALETTE_8).colour + 1, 0, 8);
        assert_int_equal(theme_look(role, PALETTE_NONE).colour, -1);
    }
    assert_true(theme_look(ROLE_ERROR, PALETTE_NONE).flags & STYLE_BOLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_role_can_be_read_on_black_and_on_white),
        TEST(eight_colours_and_none_are_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
