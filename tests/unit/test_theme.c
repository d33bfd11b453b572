/* Colours that can be read on black and on white. */
#include "support/test.h"

#include "view/theme.h"

#include <math.h>

/* One of the 256 colours, from 16 on. */
static struct colour colour_of(int number)
{
    static const uint8_t levels[] = {0, 95, 135, 175, 215, 255};
    int cube = number - 16;
    uint8_t grey = (uint8_t)(8 + 10 * (number - 232));

    return number >= 232
               ? (struct colour){grey, grey, grey}
               : (struct colour){levels[cube / 36], levels[cube / 6 % 6], levels[cube % 6]};
}

/* Its relative luminance (WCAG 2). */
static double luminance(int number)
{
    static const double weights[] = {0.2126, 0.7152, 0.0722};
    struct colour colour = colour_of(number);
    const uint8_t parts[] = {colour.red, colour.green, colour.blue};
    double sum = 0;

    for (int i = 0; i < 3; i++) {
        double part = parts[i] / 255.0;
        sum += weights[i] * (part <= 0.03928 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static void every_role_can_be_read_on_black_and_on_white(void **state)
{
    (void)state;
    for (enum style_role role = ROLE_PLAIN + 1; role < ROLES; role++) {
        struct look look = theme_look(role, PALETTE_256);
        assert_in_range(look.colour, 16, 255);
        assert_true((luminance(look.colour) + 0.05) / 0.05 >= 4.5);
        assert_true(1.05 / (luminance(look.colour) + 0.05) >= 4.5);
    }
}

static void eight_colours_and_none_are_enough(void **state)
{
    (void)state;
    for (enum style_role role = ROLE_PLAIN; role < ROLES; role++) {
        assert_in_range(theme_look(role, PALETTE_8).colour + 1, 0, 8);
        assert_int_equal(theme_look(role, PALETTE_NONE).colour, -1);
    }
    assert_true(theme_look(ROLE_ERROR, PALETTE_NONE).flags & STYLE_BOLD);
}

static void the_nearest_colour_is_found(void **state)
{
    (void)state;
    for (int number = 16; number < 256; number++) {
        struct colour colour = colour_of(number);
        int nearest = theme_nearest(colour, PALETTE_256);
        assert_memory_equal(&colour, &(struct colour[]){colour_of(nearest)}, sizeof colour);
    }
    assert_int_equal(theme_nearest((struct colour){170, 170, 170}, PALETTE_256), 248);
    assert_int_equal(theme_nearest((struct colour){254, 2, 1}, PALETTE_256), 196);
    assert_int_equal(theme_nearest((struct colour){170, 170, 170}, PALETTE_8), 7);
    assert_int_equal(theme_nearest((struct colour){0, 0, 200}, PALETTE_8), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_role_can_be_read_on_black_and_on_white),
        TEST(eight_colours_and_none_are_enough),
        TEST(the_nearest_colour_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
