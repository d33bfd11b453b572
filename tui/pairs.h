/*
 * pairs: curses' colour pairs for pictures, which have any ink on any paper: made as they are met,
 * beside those of the theme's roles. Of the terminal that is set. One thread.
 */
#ifndef TUI_PAIRS_H
#define TUI_PAIRS_H

#include <stdbool.h>

/* Number of the pair for two colours of the palette; 0, the terminal's own, when none is left. */
short pairs_find(int ink, int paper);

/* Whether half of them are used. */
bool pairs_are_scarce(void);

/* They may be made anew; what was drawn with them must be drawn again. */
void pairs_forget(void);

#endif
