/*
 * ask: an ask owns its parameters and the names of its guests; each of its calls is made of the
 * same parameters, with another guest and a new request_id. Nothing is sent here: a yes sets
 * ACT_ASK, anything else drops the ask.
 */
#include "ask.h"

#include "desk.h"
#include "memory.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

size_t ask_count(const struct ask *ask)
{
    return ask->vm_count == 0 ? 1 : ask->vm_count;
}

void ask_add(struct ask *ask, const char *host, const char *uuid)
{
    ask->vms = xrealloc(ask->vms, (ask->vm_count + 1) * sizeof(char *));
    ask->vms[ask->vm_count++] = xasprintf("%s/%s", host, uuid);
}

char *ask_params(struct ask *ask, size_t index)
{
    unsigned char random[16];
    char id[2 * sizeof random + 1];

    if (getrandom(random, sizeof random, 0) != sizeof random) {
        abort(); /* never fails once the kernel is up (getrandom(2)) */
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    }
    if (ask->vm_count > 0) {
        json_object_object_add(ask->params, "vm", json_object_new_string(ask->vms[index]));
    }
    if (!ask->is_plain) {
        json_object_object_add(ask->params, "request_id", json_object_new_string(id));
        json_object_object_add(ask->params, "wait", json_object_new_boolean(true));
    }
    return xstrdup(json_object_to_json_string_ext(ask->params, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
}

void ask_done(struct ask *ask)
{
    json_object_put(ask->params);
    for (size_t i = 0; i < ask->vm_count; i++) {
        free(ask->vms[i]);
    }
    free(ask->vms);
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
    return decide(desk, strcmp(name, desk->ask.word) == 0);
}
