/* create: a guest that is asked for, by the form or by `:create …`. One thread. */
#ifndef TUI_CREATE_H
#define TUI_CREATE_H

#include "input/key.h"

#include <stdbool.h>

struct ui;

/* A key, or what was pasted, while the form is open; bits of enum act. */
unsigned create_in_form(struct ui *ui, struct key key);

/* How something went, as it is said: whether that was for the form, which shows it. */
bool create_answered(struct ui *ui, unsigned number, bool bad, const char *text);

/* While `create …` is typed: what the quotas would say, in the message line. */
void create_weigh(struct ui *ui, const char *line);

#endif
