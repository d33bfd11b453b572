/*
 * figures: the texts of src/units.h by value, so that several can stand in one call. No state.
 */
#ifndef TUI_VIEW_FIGURES_H
#define TUI_VIEW_FIGURES_H

#include <stdint.h>

struct figure {
    char text[32];
};

struct figure figure_age(int64_t ms);                             /* duration_text, of ms */
struct figure figure_mib(int64_t mib);                            /* size_text */
struct figure figure_of_mib(int64_t used_mib, int64_t whole_mib); /* size_part_text */
struct figure figure_percent(double percent);                     /* percent_text */

/* "12:31:07" in the time zone of the process. */
struct figure figure_clock(int64_t time_ms);

#endif
