/*
 * ending: why a session cannot go on, in the words that its viewer is told, and what the guest does
 * that its screen does not show. Loop-only.
 */
#ifndef CONSOLE_ENDING_H
#define CONSOLE_ENDING_H

#include "console/session.h"

enum { ENDING_MAX = 200 };

struct ending {
    enum front_end how;
    char words[ENDING_MAX]; /* a clause without a full stop */
};

/* Whether it must end by what the registry says of its VM, and by whose operation. */
bool ending_find(const struct session *session, struct ending *ret_ending);

/* The guest's VNC server closed the connection and nothing else is known. */
void ending_of_server(const struct session *session, struct ending *ret_ending);

/* Whether its guest is paused so that one wonders at a still picture. Cheap. */
bool ending_is_paused(const struct session *session);

/* "paused by alice", or "" of a guest that runs: at a still screen one would wait for ever. */
void ending_pause(const struct session *session, char *ret_words, size_t size);

#endif
