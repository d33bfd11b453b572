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

short pairs_find(int ink, int paper)
{
    if (pairs.made == NULL) {
        pairs.made = xcalloc((size_t)COLOURS * COLOURS, sizeof *pairs.made);
    }
    short *pair = &pairs.made[ink * COLOURS + paper];
    if (*pair == 0 && pairs.used < room()) {
        *pair = (short)(ROLES + pairs.used++);
        init_pair(*pair, (short)ink, (short)paper);
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
