/*
 * recipes: the list of all, which the wiring hands to ops_new(): nothing else names one. In test
 * builds also the names of all fail points, made from the steps of each.
 */
#include "ops/recipes.h"

#include <stdio.h>
#include <string.h>

const struct recipe *const all_recipes[] = {
    &create_recipe, &delete_recipe, &start_recipe, &stop_recipe,  &shutdown_recipe,
    &reboot_recipe, &reset_recipe,  &nmi_recipe,   &pause_recipe, &resume_recipe,
    &save_recipe,   &update_recipe, &media_recipe, &adopt_recipe, &forget_recipe,
    &orphan_recipe, NULL,
};

#ifdef LODGE_FAILPOINTS
static void print_points(const char *kind, const struct step *step)
{
    const char *noun = strncmp(kind, "vm.", 3) == 0 ? kind + 3 : kind;
    printf("%s.%s\n%s.%s.done\n", noun, step->name, noun, step->name);
    if (step->undo != NULL) {
        printf("%s.%s.undo\n%s.%s.undo.done\n", noun, step->name, noun, step->name);
    }
}

void recipes_print_fail_points(void)
{
    static const struct step reserve = {.name = "reserve"}, close = {.name = "close"};
    for (size_t i = 0; all_recipes[i] != NULL; i++) {
        print_points(all_recipes[i]->kind, &reserve);
        for (size_t j = 0; j < all_recipes[i]->count; j++) {
            print_points(all_recipes[i]->kind, &all_recipes[i]->steps[j]);
        }
        print_points(all_recipes[i]->kind, &close);
    }
}
#endif
