/*
 * again: what a page may still ask of a session that has ended, by the secret that it had: why it
 * ended; and where that was the guest's doing, to open its screen again, or to start it. Loop-only.
 *
 * That is no more than whoever asked for the session's ticket may do at that moment, and is done in
 * their name: their access, their places, their operations within an hour and their rows in the
 * audit. A session that only looked starts nothing. It is good for AGAIN_MS, or for idle_s if that
 * is shorter, within max_s of the first session of that ticket, and AGAIN_MOST times. What a
 * person, a limit or a wrong message has ended is not opened again by who has it.
 */
#ifndef CONSOLE_AGAIN_H
#define CONSOLE_AGAIN_H

#include "console/session.h"

enum { AGAIN_MS = 900000, AGAIN_MOST = 20, AGAIN_PER_USER = 16 };

/* What there is to know of it is kept; it has ended that way, and its page was told so. */
void again_keep(struct session *session, enum front_end how, const char *told);

/* All of it goes. */
void again_clear(struct console *console);

#endif
