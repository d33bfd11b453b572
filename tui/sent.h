/*
 * sent: asks that are on their way, until each of their guests was answered for. What is said then
 * is of all of them: which were done, which were not and why. One thread.
 */
#ifndef TUI_SENT_H
#define TUI_SENT_H

#include "ask.h"

/* Keeps who is asked for what; before the first call is made. */
void sent_begin(struct ui *ui, const struct ask *ask);

/* How one of an ask's calls went: `text` is outcome_say()'s, that begins with ask_what(). */
void sent_answered(struct ui *ui, unsigned number, size_t index, bool bad, const char *text);

/* Drops all. */
void sent_forget(struct ui *ui);

#endif
