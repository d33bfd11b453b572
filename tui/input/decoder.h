/*
 * decoder: bytes of a terminal become keys, and pastes that are one key each.
 *
 * It knows no terminal: screen.c tells it the sequences of the one that is there and hands it what
 * was read. A bracketed paste (CSI 200~ … CSI 201~) is told from keys by its bytes alone, however
 * they come in pieces; what is in it is text and never a key. One thread.
 */
#ifndef TUI_INPUT_DECODER_H
#define TUI_INPUT_DECODER_H

#include "input/key.h"

#include <stddef.h>

enum {
    DECODER_BYTES = 4096,    /* that are read at a time */
    DECODER_KEYS = 64,       /* sequences that are known */
    DECODER_SEQUENCE = 16,   /* bytes of one, with its zero */
    PASTE_BYTES = 1024,      /* of a paste that are kept: no field holds more */
    DECODER_KEY_MS = 25,     /* so long an ESC may be the start of more */
    DECODER_PASTE_MS = 2000, /* a paste of which nothing comes for so long has no end */
};

enum decoded {
    DECODED_KEY,     /* one, or a paste: KEY_CODE_PASTE */
    DECODED_NOTHING, /* what was read is used up */
    DECODED_PART,    /* more may belong to it: wait DECODER_KEY_MS, then say so */
};

struct decoder {
    struct {
        char bytes[DECODER_SEQUENCE];
        uint32_t code;
    } keys[DECODER_KEYS];
    size_t key_count;
    char bytes[DECODER_BYTES]; /* read and not decoded: from start to end */
    size_t start;
    size_t end;
    size_t begun;      /* bytes of a paste's first marker that were the last to come */
    bool pasting;      /* between the markers */
    bool is_lost;      /* the text of this one is dropped: it is the rest of one without an end */
    bool is_suspected; /* the last paste had no end: a burst is what was left of it */
    size_t ended;      /* bytes of the last marker that were the last to come */
    char paste[PASTE_BYTES];
    size_t paste_length;
    bool paste_is_cut;
    int64_t heard_ms; /* when bytes of the paste came last */
};

/* One more sequence that is a key; what is too long, empty or too many is left out. */
void decoder_learn(struct decoder *decoder, const char *sequence, uint32_t code);

/* Keys as terminals send them that do not heed the mode they are asked for (or whose multiplexer
 * does not), beside those that their description names. */
void decoder_learn_usual(struct decoder *decoder);

/* Where to read to, and how many bytes there is room for (> 0 after DECODED_NOTHING or _PART). */
char *decoder_room(struct decoder *decoder, size_t *ret_size);

/* So many were read there at `now_ms`, of a clock that only goes forward. */
void decoder_take(struct decoder *decoder, size_t count, int64_t now_ms);

/* The next key; `waited`: no more came of a DECODED_PART. */
enum decoded decoder_next(struct decoder *decoder, bool waited, struct key *ret_key);

/* Milliseconds until decoder_expire() is due; -1: it is not. */
int decoder_patience_ms(const struct decoder *decoder, int64_t now_ms);

/* Gives up a paste that has no end; whether there was one. Its text is dropped. */
bool decoder_expire(struct decoder *decoder, int64_t now_ms);

/* The text of the last paste, as one line: line ends within are blanks, those at its end are left
 * out, as are control characters and what is no UTF-8. `ret_cut` says whether it was longer. Writes
 * at most PASTE_BYTES, zero included. */
void decoder_paste(const struct decoder *decoder, char text[PASTE_BYTES], bool *ret_cut);

#endif
