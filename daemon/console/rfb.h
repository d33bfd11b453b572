/*
 * rfb: follows a VNC connection between its two ends (RFC 6143 and the community's RFB document).
 *
 * The relay shows it all bytes before it sends them on. It follows the handshake of both sides,
 * forces the shared flag, and then reads the client's messages by header and length: it tells input
 * from the rest, and leaves input out for who may only look. It does no I/O and allocates nothing.
 * The owner is the session; any thread, one at a time.
 *
 * Only security types None and VNC Authentication are followed: what comes after another one (an
 * encrypted stream, a dialogue of its own) could not be read, and so not be kept read-only.
 */
#ifndef CONSOLE_RFB_H
#define CONSOLE_RFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rfb_mode {
    RFB_READ_ONLY,  /* input is left out; a message of unknown type ends the session */
    RFB_READ_WRITE, /* all passes; after a message of unknown type all counts as input */
};

/* CLOSE stays the answer: the session is over, rfb_reason() says why. */
enum rfb_verdict { RFB_GO_ON, RFB_CLOSE };

enum {
    RFB_HEADER_MAX = 9, /* of a client's message, up to what says its length: ClientFence */
    RFB_HELD_MAX = RFB_HEADER_MAX - 1,
};

/* Whose turn it is in the handshake, and for what; then what follows it. */
enum rfb_state {
    RFB_SERVER_VERSION,
    RFB_CLIENT_VERSION,
    RFB_SECURITY_TYPE, /* the server's, 3.3 */
    RFB_TYPE_COUNT,    /* the server's, 3.7 and later */
    RFB_TYPES,
    RFB_CHOICE,
    RFB_CHALLENGE,
    RFB_RESPONSE,
    RFB_SECURITY_RESULT,
    RFB_CLIENT_INIT,
    RFB_SERVER_INIT,
    RFB_SERVER_NAME,
    RFB_REFUSED, /* by the server, which may say why to the client, and closes */
    RFB_UP,
    RFB_UNREAD, /* up, but the client's messages are no longer understood */
    RFB_CLOSED,
    RFB_STATES,
};

/* For rfb*.c alone. */
struct rfb {
    enum rfb_mode mode;
    enum rfb_state state;
    const char *reason;
    uint32_t left; /* bytes still to come: of this step of the handshake, of this message's rest */
    unsigned server_minor;
    unsigned minor; /* 3, 7 or 8: the form of the handshake that the client's version asks for */
    bool offers_none;
    bool offers_vnc;
    bool dropping; /* the rest of this message */
    bool has_pointer;
    uint8_t pointer[6]; /* the last PointerEvent */
    uint8_t head_length;
    uint8_t head[RFB_HEADER_MAX]; /* of a message that has begun */
    uint8_t part_length;
    uint8_t part[UINT8_MAX]; /* of a step; the list of security types can be the longest */
};

/*
 * What may go on to the server: first `held`, which are bytes of earlier pieces that waited for the
 * rest of their message's header, then the first `length` bytes of the piece itself. Together they
 * are at most RFB_HELD_MAX more than the piece had.
 */
struct rfb_pass {
    uint8_t held[RFB_HELD_MAX];
    size_t held_length;
    size_t length;
    bool is_input; /* the piece tried to act on the guest, let through or not */
};

void rfb_init(struct rfb *rfb, enum rfb_mode mode);

/*
 * A piece from the client, which is changed in place: what must not pass is taken out of it. `ret`
 * is filled also with CLOSE, with what came before the reason. However the bytes are cut into
 * pieces, the same bytes pass.
 *
 * Input is what can change the guest: keys, pointer, clipboard, size of the screen, power, gii. A
 * PointerEvent like the one before it is none: some viewers repeat it while nobody touches the
 * mouse. A request for the picture is none.
 */
enum rfb_verdict rfb_from_client(struct rfb *rfb, uint8_t *bytes, size_t length,
                                 struct rfb_pass *ret);

/* A piece from the server, to be shown before it is sent on: the client may answer at once. All of
 * it passes, unless the verdict is CLOSE: then none. Once the screen is up this looks at nothing.
 */
enum rfb_verdict rfb_from_server(struct rfb *rfb, const uint8_t *bytes, size_t length);

/* Whether the handshake is over: the client sees the screen. */
bool rfb_is_up(const struct rfb *rfb);

/* Why the session ended: after CLOSE, or when the server refused the client, which the client hears
 * from the server itself. Else NULL. Static, without a full stop. */
const char *rfb_reason(const struct rfb *rfb);

#endif
