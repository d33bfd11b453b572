/*
 * pairs: a table by ink and paper of the pairs that were made, with numbers behind those of the
 * roles. It is static, as there is one terminal and its pairs are curses'.
 */
#include "pairs.h"

#include "memory.h"
#include "view/theme.h"

#include <curses.h>
#include <limits.h>
#include <stdlib.h>

#define COLOURS 256

static struct {
    short *made; /* COLOURS * COLOURS, 0: not yet; NULL: none was asked for */
    int used;
} pairs;

/* What is left beside the roles'. */
static int room(void)
{
    return (COLOR_PAIRS < SHRT_MAX ? COLOR_PAIRS : SHRT_MAX) - ROLES;
}

/* curses draws what stands there anew when a pair gets other colours, unless it was black on black
 * (ncurses 6.4); so with few pairs, which come again, it never is when it changes. */
static void define_pair(short pair, short ink, short paper)
{
    if (COLORS < COLOURS) {
        init_pair(pair, COLOR_WHITE, ink == COLOR_WHITE ? COLOR_BLACK : COLOR_WHITE);
    }
    init_pair(pair, ink, paper);
}

short pairs_find(int ink, int paper)
{
    if (pairs.made == NULL) {
        pairs.made = xcalloc((size_t)COLOURS * COLOURS, sizeof *pairs.made);
    }
    short *pair = &pairs.made[ink * COLOURS + paper];
    if (*pair == 0 && pairs.used < room()) {
        *pair = (short)(ROLES + pairs.used++);
        define_pair(*pair, (short)ink, (short)paper);
    }
    return *pair;
}

bool pairs_are_scarce(void)
{
    return pairs.used > 0 && pairs.used > room() / 2; /* without colours there is no room at all */
}

void pairs_forget(void)
{
    free(pairs.made);
    pairs.made = NULL;
    pairs.used = 0;
}
