/*
 * form: what a guest is to be made of, field by field. It knows texts and the field that is typed
 * into; what they mean to the daemon is the business of create.c. One thread.
 */
#ifndef TUI_INPUT_FORM_H
#define TUI_INPUT_FORM_H

#include "input/key.h"
#include "lodge/quota.h"
#include "lodge/strings.h"

#define FORM_BYTES 96

enum form_field {
    FORM_NAME,
    FORM_HOST,
    FORM_VCPUS,
    FORM_MEMORY,
    FORM_DISK,
    FORM_IMAGE,
    FORM_ISO,
    FORM_KERNEL,
    FORM_NETWORK,
    FORM_START,
    FORM_FIELDS,
};

struct form {
    bool open;
    enum form_field at;
    char text[FORM_FIELDS][FORM_BYTES];
    unsigned waits;         /* the number of what was asked and is not answered yet; 0: nothing */
    char asked[FORM_BYTES]; /* the name in it */
    char wrong[1024];       /* why it was not made … */
    char done[1024];        /* … or how it was */
};

/* What the fields can be filled with by Left and Right; the texts are borrowed. */
struct form_choices {
    const struct lodge_strings *of[FORM_FIELDS]; /* NULL: it is typed */
};

/* A field's name, and what is meant where it is empty. */
extern const struct form_label {
    const char *name;
    const char *empty;
} form_labels[FORM_FIELDS];

enum form_result {
    FORM_STAYS,
    FORM_DONE, /* Enter */
    FORM_LEFT, /* Esc: what was typed is kept for the next time */
};

/* Opens it; what it has never been told gets a start. */
void form_open(struct form *form);
enum form_result form_key(struct form *form, struct key key, const struct form_choices *choices);

/* Puts one line of text into the field that is typed into; false: not all of it had room, or it
 * takes no text. */
bool form_insert(struct form *form, const char *text);

/* What it would count against a quota; false, with the field, where that cannot be read. */
bool form_amounts(const struct form *form, struct lodge_amounts *ret_amounts,
                  enum form_field *ret_wrong);

#endif
