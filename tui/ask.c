#include "ask.h"

#include "desk.h"
#include "memory.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

char *ask_params(struct ask *ask)
{
    unsigned char random[16];
    char id[2 * sizeof random + 1];

    if (getrandom(random, sizeof random, 0) != sizeof random) {
        abort(); /* never fails once the kernel is up (getrandom(2)) */
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    }
    json_object_object_add(ask->params, "request_id", json_object_new_string(id));
    json_object_object_add(ask->params, "wait", json_object_new_boolean(true));
    return xstrdup(json_object_to_json_string_ext(ask->params, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
}

void ask_done(struct ask *ask)
{
    json_object_put(ask->params);
    *ask = (struct ask){0};
}

static unsigned decide(struct desk *desk, bool yes)
{
    if (!yes) {
        ask_done(&desk->ask);
        desk_say(desk, ROLE_PLAIN, "nothing was done");
        return ACT_DRAW;
    }
    desk_say(desk, ROLE_DIM, "%s …", desk->ask.what);
    return ACT_DRAW | ACT_ASK;
}

unsigned ask_answered(struct desk *desk, struct key key)
{
    return decide(desk, key.code == (desk->ask.weight == ASK_HEAVY ? 'Y' : 'y'));
}

unsigned ask_named(struct desk *desk, const char *name)
{
    return decide(desk, strcmp(name, desk->ask.name) == 0);
}
