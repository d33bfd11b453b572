/*
 * units: the TUI's way to say how much, and the query's and the command line's way to read it.
 *
 * Decimals are printed from integers and read by hand, because printf and strtod follow the user's
 * locale, where a point may be a comma.
 */
#include "units.h"

#include "scope.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MIB_PER_GIB = 1024 };

/* Sums of decimals are not exact: 1.1h is 3960 s. */
#define NO_DIFFERENCE 1e-6

/* The number at the start of `text`; returns what follows it, or NULL if there is none. */
static const char *read_unit_number(const char *text, double *ret_number)
{
    double number = 0;
    double place = 0; /* of the next decimal; 0 before the point */
    bool digits = false;
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && place == 0); text++) {
        if (*text == '.') {
            place = 0.1;
        } else if (place == 0) {
            number = number * 10 + (*text - '0');
            digits = true;
        } else {
            number += (*text - '0') * place;
            place /= 10;
            digits = true;
        }
    }
    *ret_number = number;
    return digits && text[-1] != '.' ? text : NULL;
}

bool number_from_text(const char *text, double *ret_number)
{
    double number = 0;
    const char *rest = read_unit_number(text, &number);
    if (rest == NULL || *rest != '\0') {
        return false;
    }
    *ret_number = number;
    return true;
}

bool size_exact_from_text(const char *text, double *ret_mib)
{
    static const struct {
        const char *suffix;
        double mib;
    } sizes[] = {
        {"", 1},       {"K", 1.0 / 1024},  {"KiB", 1.0 / 1024},  {"M", 1}, {"MiB", 1}, {"G", 1024},
        {"GiB", 1024}, {"T", 1024 * 1024}, {"TiB", 1024 * 1024},
    };
    static const double most = 1e12; /* MiB: about an exabyte, far from where integers end */
    double number = 0;
    const char *rest = read_unit_number(text, &number);
    for (size_t i = 0; rest != NULL && i < ARRAY_LENGTH(sizes); i++) {
        if (strcasecmp(rest, sizes[i].suffix) == 0 && number * sizes[i].mib <= most) {
            *ret_mib = number * sizes[i].mib;
            return true;
        }
    }
    return false;
}

bool size_from_text(const char *text, int64_t *ret_mib)
{
    double mib = 0;
    if (!size_exact_from_text(text, &mib)) {
        return false;
    }
    *ret_mib = (int64_t)mib;
    return true;
}

bool disk_size_from_text(const char *text, int64_t *ret_gib)
{
    double mib = 0;
    if (!size_exact_from_text(text, &mib)) {
        return false;
    }
    int64_t whole = (int64_t)(mib / MIB_PER_GIB);
    *ret_gib = whole + (mib - (double)whole * MIB_PER_GIB > NO_DIFFERENCE);
    return true;
}

static const struct {
    char letter;
    int seconds;
} spans[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

bool duration_from_text(const char *text, int64_t *ret_s)
{
    static const double most = 1e12; /* seconds */
    double total = 0;
    size_t next = 0; /* the largest unit that may still come */
    do {
        double number = 0;
        text = read_unit_number(text, &number);
        if (text == NULL || (*text == '\0' && next > 0)) {
            return false;
        }
        char letter = 's';
        if (*text != '\0') {
            letter = *text++;
        }
        while (next < ARRAY_LENGTH(spans) && spans[next].letter != letter) {
            next++;
        }
        if (next == ARRAY_LENGTH(spans)) {
            return false;
        }
        total += number * spans[next++].seconds;
    } while (*text != '\0');
    if (total > most) {
        return false;
    }
    int64_t nearest = (int64_t)(total + 0.5);
    double beside = total - (double)nearest;
    if (beside > NO_DIFFERENCE || beside < -NO_DIFFERENCE) {
        return false;
    }
    *ret_s = nearest;
    return true;
}

bool percent_from_text(const char *text, double *ret_percent)
{
    double number = 0;
    const char *rest = read_unit_number(text, &number);
    if (rest == NULL || (*rest != '\0' && strcmp(rest, "%") != 0)) {
        return false;
    }
    *ret_percent = number;
    return true;
}

static const char *unknown_text(char text[UNIT_TEXT])
{
    memcpy(text, "-", 2);
    return text;
}

/* `amount` in units, times `parts` (up to 10), rounded. Nobody has more than half an exabyte. */
static int64_t unit_parts(int64_t amount, int64_t unit, int parts)
{
    if (amount > INT64_MAX / 16) {
        amount = INT64_MAX / 16;
    }
    return amount / unit * parts + (amount % unit * parts + unit / 2) / unit;
}

/* "1.5" or, from 100 on, "215"; ".0" only if asked for. Returns the length. */
static int add_decimal(char *text, size_t size, int64_t amount, int64_t unit, bool keep_zero)
{
    int64_t tenths = unit_parts(amount, unit, 10);
    if (tenths >= 1000 || (tenths % 10 == 0 && !keep_zero)) {
        return snprintf(text, size, "%lld", (long long)unit_parts(amount, unit, 1));
    }
    return snprintf(text, size, "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
}

/* What a size is said in: how many MiB that is, and its letter. */
static int64_t size_unit(int64_t mib, char *ret_letter)
{
    static const char letters[] = "MGTP";
    size_t i = 0;
    int64_t unit = 1;
    while (mib >= unit * 1024 && letters[i + 1] != '\0') {
        unit *= 1024;
        i++;
    }
    *ret_letter = letters[i];
    return unit;
}

const char *size_text(char text[UNIT_TEXT], int64_t mib)
{
    if (mib < 0) {
        return unknown_text(text);
    }
    char letter = 0;
    int64_t unit = size_unit(mib, &letter);
    int length = add_decimal(text, UNIT_TEXT, mib, unit, false);
    snprintf(text + length, (size_t)(UNIT_TEXT - length), "%c", letter);
    return text;
}

const char *size_part_text(char text[UNIT_TEXT], int64_t part_mib, int64_t whole_mib)
{
    char whole[UNIT_TEXT];
    size_text(whole, whole_mib);
    char letter = 0;
    int64_t unit = size_unit(whole_mib, &letter);
    int length = part_mib < 0 ? snprintf(text, UNIT_TEXT, "-")
                              : add_decimal(text, UNIT_TEXT, part_mib, unit, unit > 1);
    snprintf(text + length, (size_t)(UNIT_TEXT - length), "/%s", whole);
    return text;
}

const char *rate_text(char text[UNIT_TEXT], int64_t bytes_per_s)
{
    static const char letters[] = "\0kMGTP";
    size_t i = 0;
    int64_t unit = 1;
    if (bytes_per_s < 0) {
        return unknown_text(text);
    }
    while (unit_parts(bytes_per_s, unit, 1) >= 1000 && letters[i + 1] != '\0') {
        unit *= 1000;
        i++;
    }
    bool fine = letters[i] == 'G' || letters[i] == 'T' || letters[i] == 'P';
    bool tenths = fine && unit_parts(bytes_per_s, unit, 10) < 100; /* else a decimal is noise */
    int length =
        tenths ? add_decimal(text, UNIT_TEXT, bytes_per_s, unit, false)
               : snprintf(text, UNIT_TEXT, "%lld", (long long)unit_parts(bytes_per_s, unit, 1));
    snprintf(text + length, (size_t)(UNIT_TEXT - length), "%.1s", &letters[i]);
    return text;
}

const char *duration_text(char text[UNIT_TEXT], int64_t seconds)
{
    if (seconds < 0) {
        return unknown_text(text);
    }
    size_t i = 1; /* from days: weeks are read, but nobody counts uptime in them */
    while (i + 1 < ARRAY_LENGTH(spans) && seconds < spans[i].seconds) {
        i++;
    }
    int64_t count = seconds / spans[i].seconds;
    int length = snprintf(text, UNIT_TEXT, "%lld%c", (long long)count, spans[i].letter);
    if (count < 10 && spans[i].seconds > 60) {
        int64_t rest = seconds % spans[i].seconds / spans[i + 1].seconds;
        if (rest > 0) {
            snprintf(text + length, (size_t)(UNIT_TEXT - length), "%lld%c", (long long)rest,
                     spans[i + 1].letter);
        }
    }
    return text;
}

/* NAN, what is negative and what is no number of a TUI's table. */
static bool is_percent(double percent)
{
    return percent >= 0 && percent < 1e12;
}

const char *over_text(char text[UNIT_TEXT], int64_t amount, int64_t limit, const char *unit)
{
    text[0] = '\0';
    if (limit >= 0 && amount > limit) {
        size_t length = strlen(unit);
        bool is_one_of = amount - limit == 1 && length > 0 && unit[length - 1] == 's';
        snprintf(text, UNIT_TEXT, "over by %lld %.*s", (long long)(amount - limit),
                 (int)length - is_one_of, unit);
    }
    return text;
}

const char *percent_text(char text[UNIT_TEXT], double percent)
{
    if (!is_percent(percent)) {
        return unknown_text(text);
    }
    add_decimal(text, UNIT_TEXT, (int64_t)(percent * 1000), 1000, true);
    return text;
}

const char *percent_whole_text(char text[UNIT_TEXT], double percent)
{
    if (!is_percent(percent)) {
        return unknown_text(text);
    }
    snprintf(text, UNIT_TEXT, "%lld%%", (long long)(percent + 0.5));
    return text;
}
