/* lodge_session: somebody's hold on a guest's screen (RPC `console.list`, topic `session`). */
#ifndef LODGE_SESSION_H
#define LODGE_SESSION_H

#include "lodge/vm.h"

enum lodge_session_kind { LODGE_SESSION_NONE, LODGE_SESSION_VNC, LODGE_SESSION_KINDS };

enum lodge_session_mode {
    LODGE_SESSION_NO_MODE,
    LODGE_SESSION_RW,
    LODGE_SESSION_RO, /* looks only */
    LODGE_SESSION_MODES,
};

enum lodge_session_door {
    LODGE_SESSION_NO_DOOR,
    LODGE_SESSION_WEB,
    LODGE_SESSION_STREAM, /* the Unix socket for byte streams */
    LODGE_SESSION_DOORS,
};

enum lodge_session_state {
    LODGE_SESSION_UNKNOWN,
    LODGE_SESSION_WAITS, /* for its ticket to be shown */
    LODGE_SESSION_OPEN,
    LODGE_SESSION_AWAY, /* its connection broke; its viewer may come back */
    LODGE_SESSION_STATES,
};

struct lodge_session {
    int64_t session;
    char *vm; /* its name when the session began */
    char *host;
    char uuid[37];
    char *user;
    char *peer; /* where the viewer is: ADDRESS:PORT, or pid N */
    enum lodge_session_kind kind;
    enum lodge_session_mode mode;
    enum lodge_session_door door;
    enum lodge_session_state state;
    int64_t started_at;
    int64_t idle_s; /* since the viewer last typed or clicked; unknown while it is not there */
    int64_t bytes;  /* both ways */
    char *reason;   /* why it ended; NULL: it has not */
};

const char *lodge_session_state_name(enum lodge_session_state state); /* "unknown" for 0 */
const char *lodge_session_mode_name(enum lodge_session_mode mode);    /* "rw", "ro" */

#endif
