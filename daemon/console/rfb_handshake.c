/*
 * rfb_handshake: who says what until the screen is up, as a table of steps.
 *
 * Each step is one side's, has a length, and ends in the next. A side that speaks when it is not
 * its turn ends the session: a client that does so guesses what the server will say, and bytes that
 * are read by a guess could be read otherwise by the server. So nothing is ever held here.
 */
#include "console/rfb_parts.h"

#include <string.h>

enum { SECURITY_NONE = 1, SECURITY_VNC = 2 };

struct step {
    enum rfb_side side;
    uint32_t length; /* 0: the step before says it */
    void (*done)(struct rfb *rfb);
};

static const struct step steps[RFB_STATES];

static void step_enter(struct rfb *rfb, enum rfb_state state)
{
    rfb->state = state;
    rfb->left = steps[state].length;
    rfb->part_length = 0;
}

void rfb_handshake_begin(struct rfb *rfb)
{
    step_enter(rfb, RFB_SERVER_VERSION);
}

/* The server says no. What it still says goes to the client unread. */
static void handshake_refused(struct rfb *rfb)
{
    rfb->reason = "the VNC server refused the connection";
    step_enter(rfb, RFB_REFUSED);
}

/* "RFB 003.008\n". Strict: servers use scanf, which takes more for a version. */
static bool version_read(const uint8_t *text, unsigned *ret_minor)
{
    unsigned minor = 0;
    if (memcmp(text, "RFB 003.", 8) != 0 || text[11] != '\n') {
        return false;
    }
    for (size_t i = 8; i < 11; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        minor = minor * 10 + (text[i] - '0');
    }
    *ret_minor = minor;
    return minor >= 3;
}

static void server_version_done(struct rfb *rfb)
{
    if (!version_read(rfb->part, &rfb->server_minor)) {
        rfb_close(rfb, "the server does not speak RFB 3");
        return;
    }
    step_enter(rfb, RFB_CLIENT_VERSION);
}

/* Versions that were never published mean 3.3, so the documents. */
static void client_version_done(struct rfb *rfb)
{
    unsigned minor = 0;
    if (!version_read(rfb->part, &minor)) {
        rfb_close(rfb, "the viewer does not speak RFB 3");
        return;
    }
    if (minor > rfb->server_minor) {
        rfb_close(rfb, "the viewer wants a later version of RFB than the server has");
        return;
    }
    rfb->minor = minor == 7 || minor == 8 ? minor : 3;
    step_enter(rfb, rfb->minor == 3 ? RFB_SECURITY_TYPE : RFB_TYPE_COUNT);
}

/* None has a result only since 3.8. */
static void security_begin(struct rfb *rfb, uint32_t type)
{
    if (type == SECURITY_VNC) {
        step_enter(rfb, RFB_CHALLENGE);
    } else {
        step_enter(rfb, rfb->minor == 8 ? RFB_SECURITY_RESULT : RFB_CLIENT_INIT);
    }
}

static void security_type_done(struct rfb *rfb)
{
    uint32_t type = rfb_read_u32(rfb->part);
    if (type == 0) {
        handshake_refused(rfb);
    } else if (type == SECURITY_NONE || type == SECURITY_VNC) {
        security_begin(rfb, type);
    } else {
        rfb_close(rfb, "the server wants a security type other than None and VNC Authentication");
    }
}

static void type_count_done(struct rfb *rfb)
{
    uint8_t count = rfb->part[0];
    if (count == 0) {
        handshake_refused(rfb);
        return;
    }
    step_enter(rfb, RFB_TYPES);
    rfb->left = count;
}

/* The list is not cut down to what can be followed: QEMU offers one type only, so that would change
 * nothing there, and a client that knows better types can still choose these. */
static void types_done(struct rfb *rfb)
{
    rfb->offers_none = memchr(rfb->part, SECURITY_NONE, rfb->part_length) != NULL;
    rfb->offers_vnc = memchr(rfb->part, SECURITY_VNC, rfb->part_length) != NULL;
    if (!rfb->offers_none && !rfb->offers_vnc) {
        rfb_close(rfb, "the server offers neither None nor VNC Authentication as security type");
        return;
    }
    step_enter(rfb, RFB_CHOICE);
}

static void choice_done(struct rfb *rfb)
{
    uint8_t type = rfb->part[0];
    if (type != SECURITY_NONE && type != SECURITY_VNC) {
        rfb_close(rfb, "the viewer chose a security type other than None and VNC Authentication");
    } else if (type == SECURITY_NONE ? !rfb->offers_none : !rfb->offers_vnc) {
        rfb_close(rfb, "the viewer chose a security type that the server does not offer");
    } else {
        security_begin(rfb, type);
    }
}

static void challenge_done(struct rfb *rfb)
{
    step_enter(rfb, RFB_RESPONSE);
}

static void response_done(struct rfb *rfb)
{
    step_enter(rfb, RFB_SECURITY_RESULT);
}

static void security_result_done(struct rfb *rfb)
{
    if (rfb_read_u32(rfb->part) != 0) {
        handshake_refused(rfb);
        return;
    }
    step_enter(rfb, RFB_CLIENT_INIT);
}

static void client_init_done(struct rfb *rfb)
{
    step_enter(rfb, RFB_SERVER_INIT);
}

static void server_name_done(struct rfb *rfb)
{
    step_enter(rfb, RFB_UP);
}

/* Width, height and format are the client's to know; of the name, only where it ends matters. */
static void server_init_done(struct rfb *rfb)
{
    uint32_t name_length = rfb_read_u32(rfb->part + 20);
    if (name_length == 0) {
        server_name_done(rfb);
        return;
    }
    step_enter(rfb, RFB_SERVER_NAME);
    rfb->left = name_length;
}

size_t rfb_handshake_take(struct rfb *rfb, enum rfb_side side, const uint8_t *bytes, size_t length)
{
    const struct step *step = &steps[rfb->state];
    if (step->side != side) {
        rfb_close(rfb, side == RFB_CLIENT ? "the viewer spoke before the server had answered"
                                          : "the server spoke before the viewer had answered");
        return 0;
    }
    size_t taken = length < rfb->left ? length : rfb->left;
    size_t room = sizeof rfb->part - rfb->part_length; /* a name may be longer: it is not read */
    size_t kept = taken < room ? taken : room;
    memcpy(rfb->part + rfb->part_length, bytes, kept);
    rfb->part_length = (uint8_t)(rfb->part_length + kept);
    rfb->left -= (uint32_t)taken;
    if (rfb->left == 0) {
        step->done(rfb);
    }
    return taken;
}

static const struct step steps[RFB_STATES] = {
    [RFB_SERVER_VERSION] = {RFB_SERVER, 12, server_version_done},
    [RFB_CLIENT_VERSION] = {RFB_CLIENT, 12, client_version_done},
    [RFB_SECURITY_TYPE] = {RFB_SERVER, 4, security_type_done},
    [RFB_TYPE_COUNT] = {RFB_SERVER, 1, type_count_done},
    [RFB_TYPES] = {RFB_SERVER, 0, types_done},
    [RFB_CHOICE] = {RFB_CLIENT, 1, choice_done},
    [RFB_CHALLENGE] = {RFB_SERVER, 16, challenge_done},
    [RFB_RESPONSE] = {RFB_CLIENT, 16, response_done},
    [RFB_SECURITY_RESULT] = {RFB_SERVER, 4, security_result_done},
    [RFB_CLIENT_INIT] = {RFB_CLIENT, 1, client_init_done},
    [RFB_SERVER_INIT] = {RFB_SERVER, 24, server_init_done},
    [RFB_SERVER_NAME] = {RFB_SERVER, 0, server_name_done},
};
