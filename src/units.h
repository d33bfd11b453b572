/*
 * units: sizes, durations, percents and rates, as people write and read them.
 *
 * Reading takes the same in every locale (a point before decimals) and writes on success only.
 * Printing fills the caller's `char[UNIT_TEXT]` and returns it; what is unknown (negative, NAN) is
 * "-", never 0. Widths are bounds for a table's columns. Sizes count in 1024s, rates in 1000s. Any
 * thread.
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stdint.h>

enum { UNIT_TEXT = 32 };

/* "1.5", "40": digits with at most one point among them; no sign, exponent or space. */
bool number_from_text(const char *text, double *ret_number);

/* "512" (MiB), "512M", "4G", "1.5T", "4GiB": MiB, rounded down. Either case. */
bool size_from_text(const char *text, int64_t *ret_mib);

/* The same without rounding. */
bool size_exact_from_text(const char *text, double *ret_mib);

/* The same for disks, which are whole GiB: rounded up, so that nobody has less than was asked for.
 */
bool disk_size_from_text(const char *text, int64_t *ret_gib);

/* "3d4h", "90s", "90" (seconds), "1w", "1h30m": seconds; larger units first, each once; whole in
 * all. */
bool duration_from_text(const char *text, int64_t *ret_s);

/* "90", "90%", "12.5%". */
bool percent_from_text(const char *text, double *ret_percent);

/* "512M", "4G", "1.5G", "210G", "2T": at most 5 cells below 10,000 TiB. */
const char *size_text(char text[UNIT_TEXT], int64_t mib);

/* "14.2/16G", "210/512M", "-/8G": a part of a whole in the whole's unit; at most 11 cells. */
const char *size_part_text(char text[UNIT_TEXT], int64_t part_mib, int64_t whole_mib);

/* Bytes a second as "0", "310k", "81M", "1.2G": at most 4 cells below 1,000 T. */
const char *rate_text(char text[UNIT_TEXT], int64_t bytes_per_s);

/* "12s", "4m", "6h", "6h12m", "3d4h", "92d": at most 5 cells below 10,000 days. */
const char *duration_text(char text[UNIT_TEXT], int64_t seconds);

/* "over by 128 MiB", "over by 1 VM" (of "VMs"): what is beyond a limit, -1 being none; "" if
 * nothing is. */
const char *over_text(char text[UNIT_TEXT], int64_t amount, int64_t limit, const char *unit);

/* "0.3", "93.1", "100": at most 4 cells below 10,000. */
const char *percent_text(char text[UNIT_TEXT], double percent);

/* "89%": at most 5 cells below 10,000. */
const char *percent_whole_text(char text[UNIT_TEXT], double percent);

#endif
