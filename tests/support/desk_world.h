/* desk_world: a console without a terminal, with three guests of one host in it. */
#ifndef TESTS_SUPPORT_DESK_WORLD_H
#define TESTS_SUPPORT_DESK_WORLD_H

#include "act.h"
#include "input/keymap.h"
#include "support/fleet.h"

static struct desk desk;

static inline int set_up(void **state)
{
    (void)state;
    desk_init(&desk);
    desk.model.now_ms = FLEET_NOW;
    model_set_link(&desk.model, LINK_LIVE, NULL);
    (void)desk_resize(&desk, 80, 24);
    fleet_host(&desk.model, "h1", LODGE_HOST_UP, NULL);
    fleet_add(&desk.model, 1, "alpha", LODGE_VM_RUNNING);
    fleet_add(&desk.model, 2, "beta", LODGE_VM_SHUTOFF);
    fleet_add(&desk.model, 3, "gamma", LODGE_VM_RUNNING);
    fleet_say(&desk.model, LODGE_EVENT_READY);
    desk_refresh(&desk);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    desk_done(&desk);
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
        desk.model.now_ms += view_deaf_ms(&desk.state, desk.model.now_ms);
        acts = desk_key(&desk, key_from_name(name));
        desk_refresh(&desk);
        keys += used;
    }
    return acts;
}

/* Types characters as fast as they come, as a terminal sends what was pasted without markers. */
static inline unsigned type_at_once(const char *text)
{
    unsigned acts = ACT_NOTHING;

    for (; *text != '\0'; text++) {
        acts |= desk_key(&desk, (struct key){(uint32_t)(unsigned char)*text});
    }
    desk_refresh(&desk);
    return acts;
}

#define DESK_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
