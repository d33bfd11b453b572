/*
 * Whole screens of a simulated fleet, compared with pictures in tests/data/frames.
 *
 * After a change that is meant, run with LODGE_NEW_FRAMES=1: the pictures are written anew, and
 * `git diff` shows what changed to who reads it.
 */
#include "support/test.h"

#include "demo.h"
#include "support/fleet.h"
#include "ui.h"

#include <locale.h>
#include <stdlib.h>

#define PICTURE_BYTES (256 * 1024)

static void tell_model(void *data, const struct lodge_event *event)
{
    model_apply(data, event);
}

static void read_picture(const char *path, char *text)
{
    FILE *file = fopen(path, "r");

    text[0] = '\0';
    if (file != NULL) {
        text[fread(text, 1, PICTURE_BYTES - 1, file)] = '\0';
        fclose(file);
    }
}

static void write_picture(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_picture(const char *name, const char *text)
{
    static char expected[PICTURE_BYTES];
    char path[512];

    assert_non_null(getenv("LODGE_TEST_DATA"));
    snprintf(path, sizeof(path), "%s/frames/%s.txt", getenv("LODGE_TEST_DATA"), name);
    if (getenv("LODGE_NEW_FRAMES") != NULL) {
        write_picture(path, text);
    }
    read_picture(path, expected);
    if (strcmp(text, expected) != 0) {
        print_error("%s is not what is drawn now:\n%s", path, text);
    }
    assert_string_equal(text, expected);
}

struct scene {
    const char *name;
    int width, height;
    const char *keys; /* their names, with blanks between */
};

static void draw_shot(const struct scene *shot, enum glyphs glyphs, int guests)
{
    struct ui ui;
    struct canvas canvas;
    char name[32];
    int used;

    ui_init(&ui, &tui_commands);
    ui.model.now_ms = FLEET_NOW;
    struct demo *demo = demo_new(guests, FLEET_NOW);
    model_set_link(&ui.model, LINK_LIVE, NULL);
    model_take_server(&ui.model, strdup("demo"), strdup("you"), strdup("admin"));
    demo_tell(demo, FLEET_NOW, tell_model, &ui.model);
    (void)ui_resize(&ui, shot->width, shot->height);
    ui_refresh(&ui);
    for (const char *keys = shot->keys; sscanf(keys, " %31s%n", name, &used) == 1; keys += used) {
        (void)ui_key(&ui, key_from_name(name));
        ui_refresh(&ui);
    }
    const struct model_row *row = guest_list_selected(&ui.state.list);
    struct lodge_vm detail;
    if (row != NULL && demo_get(demo, row->vm.host, row->vm.uuid, &detail)) {
        model_take_detail(&ui.model, &detail);
        ui_refresh(&ui);
    }

    canvas_init(&canvas, shot->width, shot->height, glyphs);
    view_draw(&ui.model, &ui.state, &canvas);
    char *text = canvas_to_text(&canvas);
    snprintf(name, sizeof(name), "%s-%s", shot->name, glyphs == GLYPHS_ASCII ? "ascii" : "utf8");
    expect_picture(name, text);

    free(text);
    canvas_done(&canvas);
    demo_free(demo);
    ui_done(&ui);
}

static const struct scene shots[] = {
    {"list-40x12", 40, 12, ""},
    {"list-80x24", 80, 24, "j j"},
    {"list-120x35", 120, 35, "j j j"},
    {"list-200x50", 200, 50, "j j j"},
};

static void the_list_at_all_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shots) / sizeof(shots[0]); i++) {
        draw_shot(&shots[i], GLYPHS_LINES, 50);
    }
}

static void the_list_in_ascii_at_all_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shots) / sizeof(shots[0]); i++) {
        draw_shot(&shots[i], GLYPHS_ASCII, 50);
    }
}

static void the_other_views(void **state)
{
    (void)state;
    draw_shot(&(struct scene){"details-80x24", 80, 24, "j j j Enter"}, GLYPHS_LINES, 50);
    draw_shot(&(struct scene){"hosts-80x24", 80, 24, "2 j"}, GLYPHS_LINES, 50);
    draw_shot(&(struct scene){"help-80x24", 80, 24, "?"}, GLYPHS_LINES, 50);
    draw_shot(&(struct scene){"filter-80x24", 80, 24, "/ w e b Enter"}, GLYPHS_LINES, 50);
    draw_shot(&(struct scene){"wrong-80x24", 80, 24, "/ s t a t e : x"}, GLYPHS_LINES, 50);
    draw_shot(&(struct scene){"empty-80x24", 80, 24, ""}, GLYPHS_LINES, 0);
}

static void take_shot(struct shot *shot, int width, int height)
{
    size_t count = (size_t)width * (size_t)height;

    free(shot->vm);
    free(shot->name);
    pixels_done(&shot->pixels);
    *shot = (struct shot){
        .vm = strdup("h1/x"),
        .name = strdup("a-guest-with-a-name-that-is-long"),
        .pixels = {width, height, width, height, calloc(count, sizeof(struct colour))},
        .at_ms = FLEET_NOW,
    };
    assert_non_null(shot->pixels.items);
    for (size_t i = 0; i < count; i++) {
        shot->pixels.items[i].green = (uint8_t)(i * 37);
    }
}

static void any_picture_fits_any_size(void **state)
{
    static const int sizes[][2] = {{1, 1}, {1024, 1}, {1, 1024}, {80, 25}, {300, 200}};
    static const enum glyphs glyphs[] = {GLYPHS_ASCII, GLYPHS_DOTS, GLYPHS_LINES};
    struct ui ui;

    (void)state;
    ui_init(&ui, &tui_commands);
    ui.state.view = VIEW_SCREEN;
    for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
        take_shot(&ui.state.shot, sizes[size][0], sizes[size][1]);
        for (int width = 1; width < 240; width += 34) {
            for (int height = 1; height < 60; height += 7) {
                for (int kind = 0; kind < 9; kind++) {
                    struct canvas canvas;
                    canvas_init(&canvas, width, height, glyphs[kind % 3]);
                    canvas.palette = (enum palette)(kind / 3);
                    view_draw(&ui.model, &ui.state, &canvas);
                    canvas_done(&canvas);
                }
            }
        }
    }
    ui_done(&ui);
}

static void any_size_is_drawn_without_harm(void **state)
{
    struct ui ui;

    (void)state;
    ui_init(&ui, &tui_commands);
    ui.model.now_ms = FLEET_NOW;
    struct demo *demo = demo_new(30, FLEET_NOW);
    model_set_link(&ui.model, LINK_LIVE, NULL);
    demo_tell(demo, FLEET_NOW, tell_model, &ui.model);
    for (int width = 1; width < 240; width += 3) {
        for (int height = 1; height < 60; height += 2) {
            for (enum view_id view = 0; view < VIEWS; view++) {
                struct canvas canvas;
                ui.state.view = view;
                (void)ui_resize(&ui, width, height);
                ui_refresh(&ui);
                canvas_init(&canvas, width, height, GLYPHS_LINES);
                view_draw(&ui.model, &ui.state, &canvas);
                canvas_done(&canvas);
            }
        }
    }
    demo_free(demo);
    ui_done(&ui);
}

static void why_there_is_nothing_is_said(void **state)
{
    struct ui ui;
    struct canvas canvas;

    (void)state;
    ui_init(&ui, &tui_commands);
    ui.model.now_ms = FLEET_NOW;
    (void)ui_resize(&ui, 80, 24);
    canvas_init(&canvas, 80, 24, GLYPHS_ASCII);
    const char *const expected[] = {
        "no daemon here",  "connecting to host...", "connecting to host h1",
        "host h1 is down", "no guests yet",
    };

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        switch (i) {
        case 0:
            model_set_link(&ui.model, LINK_CONNECTING, "no daemon here");
            break;
        case 1:
            model_set_link(&ui.model, LINK_LIVE, NULL);
            break;
        case 2:
            fleet_host(&ui.model, "h1", LODGE_HOST_CONNECTING, NULL);
            break;
        case 3:
            fleet_say(&ui.model, LODGE_EVENT_READY);
            fleet_host(&ui.model, "h1", LODGE_HOST_DOWN, "it has no libvirt");
            break;
        default:
            fleet_host(&ui.model, "h1", LODGE_HOST_UP, NULL);
        }
        ui_refresh(&ui);
        view_draw(&ui.model, &ui.state, &canvas);
        char *text = canvas_to_text(&canvas);
        if (strstr(text, expected[i]) == NULL) {
            fail_msg("'%s' is not in:\n%s", expected[i], text);
        }
        free(text);
    }
    canvas_done(&canvas);
    ui_done(&ui);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_at_all_sizes),
        TEST(the_list_in_ascii_at_all_sizes),
        TEST(the_other_views),
        TEST(any_picture_fits_any_size),
        TEST(any_size_is_drawn_without_harm),
        TEST(why_there_is_nothing_is_said),
    };

    setenv("TZ", "UTC", 1);
    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
