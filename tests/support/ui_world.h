/* ui_world: a TUI without a terminal, with three guests of one host in it. */
#ifndef TESTS_SUPPORT_UI_WORLD_H
#define TESTS_SUPPORT_UI_WORLD_H

#include "act.h"
#include "input/keymap.h"
#include "support/fleet.h"

static struct ui ui;

static inline int set_up(void **state)
{
    (void)state;
    ui_init(&ui, &tui_commands);
    ui.model.now_ms = FLEET_NOW;
    model_set_link(&ui.model, LINK_LIVE, NULL);
    (void)ui_resize(&ui, 80, 24);
    fleet_host(&ui.model, "h1", LODGE_HOST_UP, NULL);
    fleet_add(&ui.model, 1, "alpha", LODGE_VM_RUNNING);
    fleet_add(&ui.model, 2, "beta", LODGE_VM_SHUTOFF);
    fleet_add(&ui.model, 3, "gamma", LODGE_VM_RUNNING);
    fleet_say(&ui.model, LODGE_EVENT_READY);
    ui_refresh(&ui);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    ui_done(&ui);
    return 0;
}

/* Hits keys by name, with blanks between, each once it is heard; returns what the last one asked
 * for. */
static inline unsigned hit(const char *keys)
{
    unsigned acts = ACT_NOTHING;
    char name[16];
    int used;

    while (sscanf(keys, " %15s%n", name, &used) == 1) {
        ui.model.now_ms += view_deaf_ms(&ui.state, ui.model.now_ms);
        acts = ui_key(&ui, key_from_name(name));
        ui_refresh(&ui);
        keys += used;
    }
    return acts;
}

/* Types characters as fast as they come, as a terminal sends what was pasted without markers. */
static inline unsigned type_at_once(const char *text)
{
    unsigned acts = ACT_NOTHING;

    for (; *text != '\0'; text++) {
        acts |= ui_key(&ui, (struct key){(uint32_t)(unsigned char)*text});
    }
    ui_refresh(&ui);
    return acts;
}

#define UI_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
