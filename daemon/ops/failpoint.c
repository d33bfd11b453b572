/*
 * failpoint: reads $LODGED_FAILPOINT at each point, and kills, fails or waits as it says there.
 * Without -Dfailpoints=true this file is empty.
 */
#include "ops/failpoint.h"

#ifdef LODGE_FAILPOINTS

#include "log.h"
#include "memory.h"
#include "scope.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is to happen at `name`, or NULL; the caller frees. */
static char *action_at(const char *name)
{
    const char *asked = getenv("LODGED_FAILPOINT");
    AUTO(free) char *list = xstrdup(asked == NULL ? "" : asked);
    char *rest = list;
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        char *colon = strchr(word, ':');
        if (colon != NULL) {
            *colon = '\0';
            if (strcmp(word, name) == 0) {
                return xstrdup(colon + 1);
            }
        }
    }
    return NULL;
}

bool fail_point(const char *kind, const char *step, const char *moment, struct lodge_error *err)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s%s", strncmp(kind, "vm.", 3) == 0 ? kind + 3 : kind, step,
             moment);
    AUTO(free) char *action = action_at(name);
    if (action == NULL) {
        return true;
    }
    if (strcmp(action, "kill") == 0) {
        kill(getpid(), SIGKILL);
    }
    log_info(LOG_OPS, "fail point %s: %s", name, action);
    if (strncmp(action, "delay=", 6) == 0) {
        (void)poll(NULL, 0, (int)strtol(action + 6, NULL, 10));
        return true;
    }
    if (strncmp(action, "hold=", 5) == 0) { /* until somebody opens this FIFO for writing */
        int fd = open(action + 5, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            close(fd);
        }
        return true;
    }
    return lodge_fail(err, LODGE_ERROR_INTERNAL, "fail point %s", name);
}

#else
typedef int no_fail_points; /* a file must not be empty */
#endif
