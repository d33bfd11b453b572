/*
 * ticket: random bytes from the kernel, as hexadecimal text and back, and a comparison that takes
 * as long for any two. No state.
 */
#include "console/ticket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

struct ticket ticket_make(void)
{
    struct ticket ticket;
    ssize_t got;
    do {
        got = getrandom(ticket.bytes, sizeof ticket.bytes, 0);
    } while (got < 0 && errno == EINTR);
    if (got != sizeof ticket.bytes) {
        abort(); /* up to 256 bytes come whole once the kernel is up (getrandom(2)) */
    }
    return ticket;
}

void ticket_write(const struct ticket *ticket, char ret_text[static TICKET_TEXT + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < TICKET_BYTES; i++) {
        ret_text[2 * i] = digits[ticket->bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[ticket->bytes[i] & 15];
    }
    ret_text[TICKET_TEXT] = '\0';
}

static int digit_of(char text)
{
    if (text >= '0' && text <= '9') {
        return text - '0';
    }
    return text >= 'a' && text <= 'f' ? text - 'a' + 10 : -1;
}

bool ticket_read(const char *text, size_t length, struct ticket *ret_ticket)
{
    if (length != TICKET_TEXT) {
        return false;
    }
    for (size_t i = 0; i < TICKET_BYTES; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_ticket->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool ticket_is(const struct ticket *a, const struct ticket *b)
{
    unsigned differs = 0;
    for (size_t i = 0; i < TICKET_BYTES; i++) {
        differs |= (unsigned)(a->bytes[i] ^ b->bytes[i]);
    }
    return differs == 0;
}
