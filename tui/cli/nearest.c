/*
 * nearest: the number of slips between two words, where a slip is a letter more, less or another,
 * or two neighbours that have changed places (optimal string alignment). Words that are long are
 * not compared: nobody has typed them. No state.
 */
#include "cli/nearest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 40, LETTERS_PER_SLIP = 3 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows of the table that follow each other: of i - 2, i - 1 and i letters of `a`. */
static size_t slips(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1];
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3];
        const size_t *before_that = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t other = a[i - 1] != b[j - 1];
            row[j] = least(least(before[j], row[j - 1]) + 1, before[j - 1] + other);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], before_that[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

void nearest_begin(struct nearest *nearest, const char *word)
{
    *nearest = (struct nearest){.word = word, .distance = SIZE_MAX};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    size_t length = strlen(nearest->word);
    if (length < 2 || length > LONGEST || strlen(candidate) > LONGEST) {
        return;
    }
    bool begins = strncmp(candidate, nearest->word, length) == 0;
    size_t distance = begins ? 1 : slips(nearest->word, candidate);
    size_t most = length < LETTERS_PER_SLIP ? 1 : length / LETTERS_PER_SLIP;
    if (distance <= most && distance < nearest->distance) {
        nearest->distance = distance;
        nearest->found = candidate;
    }
}
