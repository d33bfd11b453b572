/*
 * question: what is asked before something is done, in words that are made of the ask's targets and
 * of nothing else. No state.
 */
#ifndef TUI_QUESTION_H
#define TUI_QUESTION_H

#include "ask.h"
#include "input/prompt.h"

/* Writes the question and what answers it into the prompt, and the word that must be typed into the
 * ask. Again when more is known. */
void question_write(struct ask *ask, struct prompt *prompt);

/* Whether disks go with what is asked for. */
bool question_is_of_disks(const struct ask *ask);

#endif
