/* A guest's screen in characters. */
#include "support/test.h"

#include "scope.h"
#include "support/fleet.h"
#include "view/view.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define W             \
    {                 \
        255, 255, 255 \
    }
#define B       \
    {           \
        0, 0, 0 \
    }
#define R         \
    {             \
        255, 0, 0 \
    }

/* The picture under its caption. */
static void draw(struct canvas *canvas, const struct colour *blocks, int across, int down)
{
    struct model model = {0};
    struct view_state state = {0};
    char name[] = "web";
    struct colour *items = malloc(sizeof *items * (size_t)(across * down));

    assert_non_null(items);
    memcpy(items, blocks, sizeof *items * (size_t)(across * down));
    state.shot = (struct shot){
        .name = name,
        .pixels = {across, down, across, down, items},
        .at_ms = FLEET_NOW,
    };
    canvas_clear(canvas);
    guest_screen_draw(&model, &state, canvas, canvas_area(canvas));
    free(items);
}

/* The same, as text; the caller frees. */
static char *drawn(struct canvas *canvas, const struct colour *blocks, int across, int down)
{
    draw(canvas, blocks, across, down);
    return canvas_to_text(canvas);
}

/* Two cells; a point is one pixel wide and two high. */
static const struct colour checks[] = {
    W, B, B, W, /**/
    W, B, B, W, /**/
    B, W, R, R, /**/
    B, W, R, R, /**/
};

static const struct cell *cell(const struct canvas *canvas, int x, int y)
{
    return &canvas->cells[(size_t)y * (size_t)canvas->width + (size_t)x];
}

static void quarters_of_a_cell_have_two_colours(void **state)
{
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 2, 2, GLYPHS_LINES);
    canvas.palette = PALETTE_256;
    draw(&canvas, checks, 4, 4);
    assert_int_equal(cell(&canvas, 0, 1)->chars[0], 0x259a); /* upper left and lower right */
    assert_int_equal(cell(&canvas, 0, 1)->style.ink, 231);
    assert_int_equal(cell(&canvas, 0, 1)->style.paper, 16);
    assert_int_equal(cell(&canvas, 1, 1)->style.flags, STYLE_COLOURS);
    canvas_done(&canvas);
}

static void one_colour_is_paper_alone(void **state)
{
    static const struct colour red[] = {R, R, R, R, R, R, R, R};
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 1, 2, GLYPHS_LINES);
    canvas.palette = PALETTE_256;
    draw(&canvas, red, 2, 4);
    assert_int_equal(cell(&canvas, 0, 1)->chars[0], ' ');
    assert_int_equal(cell(&canvas, 0, 1)->style.paper, 196);
    canvas.palette = PALETTE_8;
    draw(&canvas, red, 2, 4);
    assert_int_equal(cell(&canvas, 0, 1)->style.paper, 1);
    canvas_done(&canvas);
}

static void without_colours_dots_are_bright_points(void **state)
{
    static const struct colour left[] = {W, B, W, B, W, B, W, B};
    static const struct colour faint[] = {{60, 60, 60}, B, B, B, B, B, B, B};
    static const struct colour white[] = {W, W, W, W, W, W, W, W};
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 40, 2, GLYPHS_DOTS);
    AUTO(free) char *half = drawn(&canvas, left, 2, 4);
    assert_non_null(strstr(half, "\u2847"));
    assert_non_null(strstr(half, "web   2x4 at "));
    AUTO(free) char *dim = drawn(&canvas, faint, 2, 4);
    assert_non_null(strstr(dim, "\u2801"));
    AUTO(free) char *full = drawn(&canvas, white, 2, 4);
    assert_non_null(strstr(full, "\u28ff"));
    canvas_done(&canvas);
}

static void without_UTF_8_a_character_is_as_dense_as_it_is_bright(void **state)
{
    static const struct colour ramp[] = {B, {128, 128, 128}, W, B, {128, 128, 128}, W};
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 3, 2, GLYPHS_ASCII);
    AUTO(free) char *text = drawn(&canvas, ramp, 3, 2);
    assert_non_null(strstr(text, "\n +@\n"));
    canvas.palette = PALETTE_256;
    draw(&canvas, ramp, 3, 2);
    assert_int_equal(cell(&canvas, 2, 1)->chars[0], ' ');
    assert_int_equal(cell(&canvas, 2, 1)->style.paper, 231);
    canvas_done(&canvas);
}

static void its_shape_is_kept(void **state)
{
    struct colour *white = malloc(sizeof *white * 200 * 100);
    struct canvas canvas;

    (void)state;
    assert_non_null(white);
    memset(white, 255, sizeof *white * 200 * 100);
    canvas_init(&canvas, 80, 11, GLYPHS_ASCII);
    AUTO(free) char *text = drawn(&canvas, white, 200, 100);
    const char *line = strchr(text, '\n') + 1;
    for (int i = 0; i < 10; i++) { /* 10 lines are as high as 20 columns, twice that wide: 40 */
        size_t blanks = strspn(line, " ");
        size_t filled = strspn(line + blanks, "@");
        assert_int_equal(blanks, 20);
        assert_int_equal(filled, 40);
        line += blanks + filled + 1;
    }
    AUTO(free) char *small = drawn(&canvas, white, 10, 10); /* never more columns than it has */
    assert_non_null(strstr(small, "\n"
                                  "                                   @@@@@@@@@@\n"));
    canvas_done(&canvas);
    free(white);
}

static void before_the_first_it_says_how_to_take_one(void **state)
{
    struct model model = {0};
    struct view_state view = {0};
    struct canvas canvas;

    (void)state;
    canvas_init(&canvas, 60, 3, GLYPHS_ASCII);
    guest_screen_draw(&model, &view, &canvas, canvas_area(&canvas));
    AUTO(free) char *text = canvas_to_text(&canvas);
    assert_non_null(strstr(text, "V and p"));
    canvas_done(&canvas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quarters_of_a_cell_have_two_colours),
        TEST(one_colour_is_paper_alone),
        TEST(without_colours_dots_are_bright_points),
        TEST(without_UTF_8_a_character_is_as_dense_as_it_is_bright),
        TEST(its_shape_is_kept),
        TEST(before_the_first_it_says_how_to_take_one),
    };
    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests_name("guest_screen", tests, NULL, NULL);
}
