/* figures: what src/units.h prints, by value. */
#include "view/figures.h"

#include "units.h"

#include <stdio.h>
#include <time.h>

_Static_assert(sizeof(struct figure) == UNIT_TEXT, "units print into figures");

struct figure figure_age(int64_t ms)
{
    struct figure figure;

    duration_text(figure.text, ms < 0 ? -1 : ms / 1000);
    return figure;
}

struct figure figure_mib(int64_t mib)
{
    struct figure figure;

    size_text(figure.text, mib);
    return figure;
}

struct figure figure_of_mib(int64_t used, int64_t total)
{
    struct figure figure;

    size_part_text(figure.text, used, total);
    return figure;
}

struct figure figure_percent(double percent)
{
    struct figure figure;

    percent_text(figure.text, percent);
    return figure;
}

struct figure figure_clock(int64_t time_ms)
{
    struct figure figure = {"-"};
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;

    if (localtime_r(&seconds, &parts) != NULL) {
        snprintf(figure.text, sizeof figure.text, "%02d:%02d:%02d", parts.tm_hour, parts.tm_min,
                 parts.tm_sec);
    }
    return figure;
}
