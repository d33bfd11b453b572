/*
 * ask: a change that a key asked for: what it is, what must be confirmed, how it is said to the
 * daemon. The guest is named by its uuid as it was when the key was hit. One thread.
 */
#ifndef TUI_ASK_H
#define TUI_ASK_H

#include "input/key.h"

#include <json-c/json_types.h>

struct desk;

/* How heavy it is, and what a yes looks like. */
enum ask_weight {
    ASK_LIGHT, /* nothing is asked */
    ASK_PLAIN, /* y */
    ASK_HEAVY, /* Y: another key than the one that is hit by habit */
    ASK_FINAL, /* the guest's name */
};

/* What becomes of the answer: console.open's, or, for a picture, vm.screenshot's. */
enum screen_way { SCREEN_NONE, SCREEN_BROWSER, SCREEN_LOOK, SCREEN_COPY, SCREEN_PICTURE };

struct ask {
    const char *method; /* NULL: nothing is asked for */
    enum ask_weight weight;
    struct json_object *params; /* owned */
    char **vms;                 /* owned: HOST/UUID of each guest that it is asked of … */
    size_t vm_count;            /* … 0: of none that is there */
    bool is_plain;              /* no operation: it has no request_id, nothing to wait for */
    enum screen_way way;        /* NONE: its answer is not shown */
    char word[160];             /* that must be typed for a FINAL one */
    char what[160];             /* "start web", "start 3 VMs" */
};

/* How many calls it makes. */
size_t ask_count(const struct ask *ask);

/* Of one of them, with the manners of all: waits, and has a random request_id. The caller frees. */
char *ask_params(struct ask *ask, size_t index);
void ask_done(struct ask *ask);

/* One more guest that it is asked of. */
void ask_add(struct ask *ask, const char *host, const char *uuid);

/* What a question was answered with: bits of enum act. */
unsigned ask_answered(struct desk *desk, struct key key);
unsigned ask_named(struct desk *desk, const char *name);

/* A key while the form is open; bits of enum act. */
unsigned ask_in_form(struct desk *desk, struct key key);

/* How something went, as it is said: whether that was for the form, which shows it. */
bool ask_form_answered(struct desk *desk, bool bad, const char *text);

/* While `create …` is typed: what the quotas would say, in the message line. */
void ask_weigh(struct desk *desk, const char *line);

#endif
