/*
 * decoder: a key is the longest known sequence at the front of what was read; a sequence that
 * nobody knows is dropped whole, since its letters are no keys.
 *
 * The first marker of a paste is followed byte by byte beside that, so that one which a slow line
 * has torn apart (its ESC was taken for a key after DECODER_KEY_MS) is a marker all the same. In a
 * paste nothing but the last marker means anything.
 */
#include "input/decoder.h"

#include "plain.h"
#include "scope.h"
#include "utf8.h"

#include <string.h>

#define ESC '\033'

static const char paste_begins[] = "\033[200~";
static const char paste_ends[] = "\033[201~";

enum {
    MARKER = sizeof paste_begins - 1,
    LONGEST = 32,  /* of a sequence that nobody knows */
    KEYSTROKE = 8, /* bytes that one key may send; what comes as more at once is no hand's */
};

void decoder_learn(struct decoder *decoder, const char *sequence, uint32_t code)
{
    if (sequence == NULL || sequence[0] != ESC || strlen(sequence) >= DECODER_SEQUENCE ||
        decoder->key_count == DECODER_KEYS) {
        return;
    }
    memcpy(decoder->keys[decoder->key_count].bytes, sequence, strlen(sequence) + 1);
    decoder->keys[decoder->key_count++].code = code;
}

void decoder_learn_usual(struct decoder *decoder)
{
    static const struct {
        const char *sequence;
        uint32_t code;
    } keys[] = {
        {"\033[A", KEY_CODE_UP},       {"\033OA", KEY_CODE_UP},
        {"\033[B", KEY_CODE_DOWN},     {"\033OB", KEY_CODE_DOWN},
        {"\033[C", KEY_CODE_RIGHT},    {"\033OC", KEY_CODE_RIGHT},
        {"\033[D", KEY_CODE_LEFT},     {"\033OD", KEY_CODE_LEFT},
        {"\033[H", KEY_CODE_HOME},     {"\033OH", KEY_CODE_HOME},
        {"\033[F", KEY_CODE_END},      {"\033OF", KEY_CODE_END},
        {"\033[3~", KEY_CODE_DELETE},  {"\033[5~", KEY_CODE_PAGE_UP},
        {"\033[Z", KEY_CODE_BACK_TAB}, {"\033[6~", KEY_CODE_PAGE_DOWN},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        decoder_learn(decoder, keys[i].sequence, keys[i].code);
    }
}

char *decoder_room(struct decoder *decoder, size_t *ret_size)
{
    if (decoder->start > 0) {
        memmove(decoder->bytes, decoder->bytes + decoder->start, decoder->end - decoder->start);
        decoder->end -= decoder->start;
        decoder->start = 0;
    }
    *ret_size = sizeof decoder->bytes - decoder->end;
    return decoder->bytes + decoder->end;
}

static void begin_paste(struct decoder *decoder, bool is_lost)
{
    decoder->pasting = true;
    decoder->is_lost = is_lost;
    decoder->is_suspected = false;
    decoder->begun = 0;
    decoder->ended = 0;
    decoder->paste_length = 0;
    decoder->paste_is_cut = false;
}

void decoder_take(struct decoder *decoder, size_t count, int64_t now_ms)
{
    decoder->end += count;
    decoder->heard_ms = now_ms;
    if (decoder->is_suspected && count > KEYSTROKE) {
        begin_paste(decoder, true);
    }
}

/* One more byte of the text. */
static void keep_byte(struct decoder *decoder, char byte)
{
    if (decoder->paste_length < sizeof decoder->paste) {
        decoder->paste[decoder->paste_length++] = byte;
    } else {
        decoder->paste_is_cut = true;
    }
}

/* Uses up a paste's bytes; whether its last marker was among them. */
static bool paste_has_ended(struct decoder *decoder)
{
    while (decoder->start < decoder->end) {
        char byte = decoder->bytes[decoder->start++];
        if (byte == paste_ends[decoder->ended]) {
            if (++decoder->ended == MARKER) {
                decoder->pasting = false;
                return true;
            }
            continue;
        }
        for (size_t i = 0; i < decoder->ended; i++) {
            keep_byte(decoder, paste_ends[i]); /* it was text */
        }
        decoder->ended = byte == ESC ? 1 : 0;
        if (byte != ESC) {
            keep_byte(decoder, byte);
        }
    }
    return false;
}

/* Uses up so many bytes; whether a paste begins with the last of them. */
static bool use_up(struct decoder *decoder, size_t count)
{
    while (count-- > 0) {
        char byte = decoder->bytes[decoder->start++];
        decoder->begun = byte == paste_begins[decoder->begun] ? decoder->begun + 1
                         : byte == ESC                        ? 1
                                                              : 0;
        if (decoder->begun == MARKER) {
            begin_paste(decoder, false);
            return true;
        }
    }
    return false;
}

/* The longest known sequence at the front; `ret_more`: a longer one may be on its way. */
static size_t known_sequence(const struct decoder *decoder, uint32_t *ret_code, bool *ret_more)
{
    const char *front = decoder->bytes + decoder->start;
    size_t there = decoder->end - decoder->start;
    size_t longest = 0;

    *ret_more = false;
    for (size_t i = 0; i < decoder->key_count; i++) {
        size_t length = strlen(decoder->keys[i].bytes);
        size_t same = length < there ? length : there;
        if (length <= longest || memcmp(decoder->keys[i].bytes, front, same) != 0) {
            continue;
        }
        if (length > there) {
            *ret_more = true;
        } else {
            longest = length;
            *ret_code = decoder->keys[i].code;
        }
    }
    return longest;
}

/* The length of an escape sequence whoever sends it: CSI (ESC [) or SS3 (ESC O), parameters, a
 * final letter. 0: it is none, but an ESC and something else. `ret_more`: its end is not there. */
static size_t unknown_sequence(const struct decoder *decoder, bool *ret_more)
{
    const char *front = decoder->bytes + decoder->start;
    size_t there = decoder->end - decoder->start;
    size_t at = 2;

    *ret_more = there == 1;
    if (there < 2 || (front[1] != '[' && front[1] != 'O')) {
        return 0;
    }
    while (at < there && at < LONGEST && front[at] >= ' ' && front[at] < '@') {
        at++;
    }
    *ret_more = at == there;
    if (at == there || at == LONGEST) {
        return at;
    }
    return front[at] >= '@' && front[at] <= '~' ? at + 1 : at;
}

static enum decoded next_escape(struct decoder *decoder, bool waited, struct key *ret_key)
{
    bool more_known;
    bool more;
    uint32_t code = 0;
    size_t length = known_sequence(decoder, &code, &more_known);

    if (more_known && !waited) {
        return DECODED_PART;
    }
    if (length == 0) {
        length = unknown_sequence(decoder, &more);
        if (more && !waited) {
            return DECODED_PART;
        }
        if (more || length == 0) {
            length = 1;
            code = KEY_CODE_ESC;
        }
    }
    *ret_key = (struct key){use_up(decoder, length) ? 0 : code};
    return DECODED_KEY;
}

static enum decoded decode_character(struct decoder *decoder, bool waited, struct key *ret_key)
{
    char text[UTF8_MAX + 1] = "";
    const char *front = decoder->bytes + decoder->start;
    size_t there = decoder->end - decoder->start;
    uint32_t code = 0;

    memcpy(text, front, there < UTF8_MAX ? there : UTF8_MAX);
    size_t length = utf8_decode(text, &code);
    if (length == 0) {
        if ((unsigned char)front[0] >= 0xc2 && there < UTF8_MAX && !waited) {
            return DECODED_PART;
        }
        length = 1; /* no UTF-8: it is nothing */
        code = 0;
    }
    code = code == '\n' ? KEY_CODE_ENTER : code == '\b' ? KEY_CODE_BACKSPACE : code;
    *ret_key = (struct key){use_up(decoder, length) ? 0 : code};
    return DECODED_KEY;
}

enum decoded decoder_next(struct decoder *decoder, bool waited, struct key *ret_key)
{
    for (;;) {
        enum decoded decoded;
        if (decoder->pasting) {
            if (!paste_has_ended(decoder)) {
                return DECODED_NOTHING;
            }
            if (!decoder->is_lost) {
                *ret_key = (struct key){KEY_CODE_PASTE};
                return DECODED_KEY;
            }
            continue;
        }
        if (decoder->start == decoder->end) {
            return DECODED_NOTHING;
        }
        if (decoder->bytes[decoder->start] == ESC) {
            decoded = next_escape(decoder, waited, ret_key);
        } else {
            decoded = decode_character(decoder, waited, ret_key);
        }
        if (decoded == DECODED_PART || ret_key->code != 0) {
            decoder->is_suspected = decoder->is_suspected && decoded == DECODED_PART;
            return decoded;
        }
    }
}

int decoder_patience_ms(const struct decoder *decoder, int64_t now_ms)
{
    int64_t left = decoder->heard_ms + DECODER_PASTE_MS - now_ms;

    return !decoder->pasting ? -1 : left < 0 ? 0 : (int)left;
}

bool decoder_expire(struct decoder *decoder, int64_t now_ms)
{
    if (decoder_patience_ms(decoder, now_ms) != 0) {
        return false;
    }
    decoder->pasting = false;
    decoder->is_suspected = true;
    decoder->paste_length = 0;
    return true;
}

void decoder_paste(const struct decoder *decoder, char text[PASTE_BYTES], bool *ret_cut)
{
    char raw[PASTE_BYTES + 1];
    size_t length = 0;
    size_t kept = 0; /* without the blanks that line ends became at the end */

    memcpy(raw, decoder->paste, decoder->paste_length);
    raw[decoder->paste_length] = '\0';
    *ret_cut = decoder->paste_is_cut;
    for (size_t at = 0; at < decoder->paste_length;) {
        uint32_t character = 0;
        size_t size = utf8_decode(raw + at, &character);
        bool is_end = size == 1 && (character == '\n' || character == '\r');
        bool is_shown = size > 0 && !character_is_hidden(character);
        if (length + UTF8_MAX >= PASTE_BYTES) {
            *ret_cut = true;
            break;
        }
        if (is_shown) {
            memcpy(text + length, raw + at, size);
            length += size;
            kept = length;
        } else if (length > 0 && (is_end || character == '\t') && text[length - 1] != ' ') {
            text[length++] = ' ';
        }
        at += size == 0 ? 1 : size;
    }
    text[kept] = '\0';
}
