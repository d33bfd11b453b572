/*
 * ask: a change that a key asked for: what it is, of which guests, what must be confirmed, how it
 * is said to the daemon. Its guests are those that were there when the key was hit, by uuid, and
 * all that is said of it is made of what is kept of them here. One thread.
 */
#ifndef TUI_ASK_H
#define TUI_ASK_H

#include "input/key.h"
#include "lodge/vm.h"

#include <json-c/json_types.h>

struct ui;
struct model_row;

/* How heavy it is, and what a yes looks like. */
enum ask_weight {
    ASK_LIGHT, /* nothing is asked */
    ASK_PLAIN, /* y */
    ASK_HEAVY, /* Y: another key than the one that is hit by habit */
    ASK_FINAL, /* the guest's name */
};

/* What becomes of the answer: console.open's, or, for a picture, vm.screenshot's. */
enum screen_way { SCREEN_NONE, SCREEN_BROWSER, SCREEN_LOOK, SCREEN_COPY, SCREEN_PICTURE };

/* What is known of the disks that go with a guest. */
enum disks_known { DISKS_UNKNOWN, DISKS_TOLD, DISKS_FAILED };

/* A guest as it was when the key was hit. */
struct target {
    char *vm;           /* HOST/UUID; owned, as the names */
    char *name;         /* libvirt's */
    char *shown;        /* the same, as HOST/NAME where another host has one of that name */
    const char *method; /* what is asked of it … */
    const char *verb;   /* … and the words for it */
    enum lodge_vm_state state;
    bool hidden; /* it was not in view */
    enum disks_known known;
    size_t disks; /* that lodge made */
    int64_t gib;  /* of them together */
};

struct ask {
    const char *method; /* NULL: nothing is asked for */
    const char *verb;
    const char *asks;  /* the verb as a question begins */
    const char *warns; /* what else is said before it; NULL: nothing */
    const char *hides; /* why some are not in view */
    unsigned number;   /* no other has it */
    enum ask_weight weight;
    struct json_object *params; /* owned */
    struct target *targets;     /* owned: each guest that it is asked of … */
    size_t target_count;        /* … 0: of none that is there */
    bool is_plain;              /* no operation: it has no request_id, nothing to wait for */
    enum screen_way way;        /* NONE: its answer is not shown */
    char word[256];             /* that must be typed for a FINAL one */
    char what[512];             /* "start web", "start 3 VMs" */
};

/* Begins one anew; what was asked for before and not sent is dropped. */
struct ask *ask_begin(struct ui *ui, const char *method, const char *verb);
void ask_done(struct ask *ask);

/* One more guest that it is asked of; what the model has of its disks is kept with it. */
void ask_add(struct ui *ui, const struct model_row *row);
void target_done(struct target *target);

/* Counts of a guest's disks those that lodge made. */
void target_take_disks(struct target *target, const struct lodge_vm *vm);

/* How many calls it makes, and of one of them: its method, "start web" (the caller frees), and its
 * parameters with the manners of all: waits, and has a random request_id (the caller frees). */
size_t ask_count(const struct ask *ask);
const char *ask_method(const struct ask *ask, size_t index);
char *ask_what(const struct ask *ask, size_t index);
char *ask_params(struct ask *ask, size_t index);

#endif
