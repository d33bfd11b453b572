/*
 * prompt: the line that is typed into, for `/` and `:`. It knows bytes and the cursor; what the
 * text means is the business of act.c. One thread.
 */
#ifndef TUI_INPUT_PROMPT_H
#define TUI_INPUT_PROMPT_H

#include "input/key.h"

#include <stdbool.h>
#include <stddef.h>

#define PROMPT_BYTES 1024
#define PROMPT_HISTORY 20

enum prompt_kind {
    PROMPT_NONE,
    PROMPT_FILTER,
    PROMPT_COMMAND,
    PROMPT_YES,    /* one key answers */
    PROMPT_NAME,   /* a name is typed to confirm */
    PROMPT_SCREEN, /* one key says how a screen is opened */
    PROMPT_KINDS,
};

struct prompt {
    enum prompt_kind kind; /* NONE: nothing is being typed */
    char label[2048];      /* of YES, NAME and SCREEN: the question … */
    char answers[320];     /* … and what it can be answered with */
    char text[PROMPT_BYTES];
    size_t length; /* bytes */
    size_t cursor; /* bytes before it */
    struct {
        char *lines[PROMPT_HISTORY]; /* oldest first; owned */
        size_t count;
    } history[PROMPT_KINDS];
    size_t recalled; /* how many lines back, 0: what is being typed */
};

enum prompt_result {
    PROMPT_IGNORED,  /* not a key of a prompt */
    PROMPT_MOVED,    /* the cursor did */
    PROMPT_CHANGED,  /* the text did */
    PROMPT_DONE,     /* Enter: the text stands, the line is remembered */
    PROMPT_LEFT,     /* Esc, or rubbing out an empty line */
    PROMPT_COMPLETE, /* Tab */
};

/* Begins to type, with `text` already there. */
void prompt_open(struct prompt *prompt, enum prompt_kind kind, const char *text);
void prompt_close(struct prompt *prompt);

enum prompt_result prompt_key(struct prompt *prompt, struct key key);

/* Inserts one line of text at the cursor; false: not all of it had room. */
bool prompt_insert(struct prompt *prompt, const char *text);

/* Whether it is a question: what is typed answers it. */
bool prompt_is_question(const struct prompt *prompt);

void prompt_set(struct prompt *prompt, const char *text);
void prompt_done(struct prompt *prompt); /* frees the history */

#endif
