/*
 * chart: percentages as dots or as ASCII weights.
 *
 * Braille cells are 2 dots wide and 4 high; they are drawn and not block elements because their
 * width is one column in every terminal, CJK ones too.
 */
#include "view/chart.h"

#include <math.h>
#include <string.h>

/* Samples that one column shows. */
#define PER_COLUMN 2

/* Dots of a braille column from below: left, right. */
static const uint8_t dots[PER_COLUMN][4] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};

static const char weights[] = " .:-=#";

void chart_bar(struct canvas *canvas, struct area area, struct style style, double percent)
{
    int inside = area.width - 2;

    if (inside < 1) {
        return;
    }
    canvas_text(canvas, (struct area){area.x, area.y, 1, 1}, STYLE(ROLE_DIM), "[");
    canvas_text(canvas, (struct area){area.x + area.width - 1, area.y, 1, 1}, STYLE(ROLE_DIM), "]");
    struct area body = {area.x + 1, area.y, inside, 1};
    if (isnan(percent)) {
        canvas_fill(canvas, body, STYLE(ROLE_DIM), ' ');
        body.x += (inside - 1) / 2;
        canvas_text(canvas, body, STYLE(ROLE_DIM), "?");
        return;
    }
    int full = (int)lround(fmin(fmax(percent, 0), 100) / 100 * inside);
    if (full == 0 && percent > 0.5) {
        full = 1; /* a little is not nothing */
    }
    canvas_fill(canvas, body, STYLE(ROLE_DIM), '.');
    body.width = full;
    canvas_fill(canvas, body, style, '|');
}

/* The highest value of the group that is `back` groups of `size` seconds before the newest. */
static double group_of(const struct series *series, int64_t size, int64_t back)
{
    int64_t group = series->newest / size - back;
    double highest = NAN;

    for (int64_t second = group * size; second < (group + 1) * size; second++) {
        int64_t age = series->newest - second;
        if (age >= 0 && age < (int64_t)series->count) {
            highest = fmax(highest, series->values[series->count - 1 - (size_t)age]);
        }
    }
    return highest;
}

/* How many of `steps` dots a value lights: at least the lowest, so that idle shows as a line and
 * unknown as a gap. */
static int dots_of(double value, int steps)
{
    if (isnan(value)) {
        return 0;
    }
    int lit = (int)lround(fmin(fmax(value, 0), 100) / 100 * steps);
    return lit < 1 ? 1 : lit;
}

/* What one cell shows: `floor` steps lie below it. */
static uint32_t cell_of(const struct canvas *canvas, const double pair[PER_COLUMN], int rows,
                        int floor)
{
    if (canvas->glyphs == GLYPHS_ASCII) {
        int steps = (int)strlen(weights) - 1;
        double higher = fmax(pair[0], pair[1]); /* of a number and NAN: the number */
        int lit = dots_of(higher, steps * rows) - floor / 4 * steps;
        return (uint32_t)weights[lit < 0 ? 0 : lit > steps ? steps : lit];
    }
    uint32_t pattern = 0;
    for (size_t side = 0; side < PER_COLUMN; side++) {
        int lit = dots_of(pair[side], 4 * rows) - floor;
        for (int dot = 0; dot < lit && dot < 4; dot++) {
            pattern |= dots[side][dot];
        }
    }
    return pattern == 0 ? ' ' : 0x2800 + pattern;
}

void chart_graph(struct canvas *canvas, struct area area, struct style style,
                 const struct series *series)
{
    int64_t places = (int64_t)area.width * PER_COLUMN;

    if (places <= 0) {
        return;
    }
    int64_t size = ((int64_t)series->count + places - 1) / places;
    for (int column = 0; column < area.width; column++) {
        int64_t back = (int64_t)(area.width - 1 - column) * PER_COLUMN;
        double pair[PER_COLUMN] = {group_of(series, size, back + 1), group_of(series, size, back)};
        for (int row = 0; row < area.height; row++) {
            int floor = 4 * (area.height - 1 - row);
            struct area place = {area.x + column, area.y + row, 1, 1};
            canvas_fill(canvas, place, style, cell_of(canvas, pair, area.height, floor));
        }
    }
}

void chart_sparkline(struct canvas *canvas, struct area area, struct style style,
                     const struct series *series)
{
    area.height = 1;
    chart_graph(canvas, area, style, series);
}
