/*
 * settings: what the TUI remembers from one time to the next: order and layout. Never the
 * filter or what is hidden: a list that is short without saying so lies. One thread.
 */
#ifndef TUI_MODEL_SETTINGS_H
#define TUI_MODEL_SETTINGS_H

#include "view/view.h"

/* From `lodge/console` in $XDG_STATE_HOME (or ~/.local/state); what cannot be read or makes no
 * sense is left as it is. */
void settings_load(struct view_state *state);

/* Into the same file, if it would differ. Failure is silent: it is a convenience. */
void settings_save(const struct view_state *state);

/* The same from and to text, "key value" in each line. */
void settings_read(struct view_state *state, const char *text);
void settings_write(const struct view_state *state, char *text, size_t size);

#endif
