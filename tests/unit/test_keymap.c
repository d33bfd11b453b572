/* The command table, and the keys that are read out of it. */
#include "support/test.h"

#include "input/keymap.h"

#include <string.h>

static void no_key_means_two_things_in_a_view(void **state)
{
    (void)state;
    for (size_t i = 0; i < tui_commands.count; i++) {
        char name[16];
        const char *at = NULL;
        while ((at = keymap_next_key(&tui_commands.rows[i], at, name)) != NULL) {
            struct key key = key_from_name(name);
            assert_int_not_equal(key.code, 0);
            for (enum view_id view = 0; view < VIEWS; view++) {
                if (tui_commands.rows[i].views & (1U << view)) {
                    assert_ptr_equal(keymap_find(&tui_commands, view, key), &tui_commands.rows[i]);
                }
            }
        }
    }
}

static void keys_that_multiplexers_take_are_free(void **state)
{
    static const char *const taken[] = {"C-a", "C-b", "C-s", "C-q"};

    (void)state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        for (enum view_id view = 0; view < VIEWS; view++) {
            assert_null(keymap_find(&tui_commands, view, key_from_name(taken[i])));
        }
    }
}

static void every_command_says_what_it_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < tui_commands.count; i++) {
        const struct command *command = &tui_commands.rows[i];
        assert_non_null(command->help);
        assert_non_null(command->group);
        assert_non_null(command->run);
        assert_int_not_equal(command->views, 0);
        size_t length = strlen(command->name);
        assert_ptr_equal(keymap_find_name(&tui_commands, command->name, length), command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_means_two_things_in_a_view),
        cmocka_unit_test(keys_that_multiplexers_take_are_free),
        cmocka_unit_test(every_command_says_what_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
