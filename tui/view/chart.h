/*
 * chart: bars, sparklines and graphs of percentages, in whatever the canvas can show.
 *
 * Values are percents from 0 to 100; NAN is unknown and drawn as a gap, never as 0. Where there is
 * less room than values, a dot shows the highest of several: a spike is what one looks for. One
 * thread.
 */
#ifndef TUI_VIEW_CHART_H
#define TUI_VIEW_CHART_H

#include "view/canvas.h"

/* "[||||....]" over the area's width: `percent` of it filled. Unknown: "[ ? ]". */
void chart_bar(struct canvas *canvas, struct area area, struct style style, double percent);

/* One value a second, the newest last. */
struct series {
    const double *values;
    size_t count;
    int64_t newest; /* the second of the newest: values share a dot by their second, so that a
                     * picture moves on as a whole and does not flicker */
};

/* The newest value at the right edge. Braille has two dots in a column, ASCII one weight. */
void chart_sparkline(struct canvas *canvas, struct area area, struct style style,
                     const struct series *series);

/* The same over several lines, filled from below. */
void chart_graph(struct canvas *canvas, struct area area, struct style style,
                 const struct series *series);

#endif
