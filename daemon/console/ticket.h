/*
 * ticket: 256 random bits that open something: as a link's ticket, or as the secret that a page
 * comes back with.
 *
 * As text they are 64 small hex digits. They live in memory only; none is ever logged. Any thread.
 */
#ifndef CONSOLE_TICKET_H
#define CONSOLE_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TICKET_BYTES = 32, TICKET_TEXT = 2 * TICKET_BYTES };

struct ticket {
    uint8_t bytes[TICKET_BYTES];
};

struct ticket ticket_make(void);
void ticket_write(const struct ticket *ticket, char ret_text[static TICKET_TEXT + 1]);

/* False for what is none, and for another length. */
bool ticket_read(const char *text, size_t length, struct ticket *ret_ticket);

/* Takes as long for any two. */
bool ticket_is(const struct ticket *a, const struct ticket *b);

#endif
