/*
 * serial_logs.c: the loop names the folder, a worker of their own looks at what is in it: who fills
 * a disk waits for nobody's list, and needs no row.
 */
#include "reads/serial_logs.h"

#include "fleet.h"
#include "host/host.h"
#include "host/storage/serial_log.h"
#include "loop/workers.h"
#include "memory.h"
#include "scope.h"

#include <fcntl.h>
#include <stdlib.h>

enum { LOOK_MS = 1000, IDLE_MS = 5000 };

/* One look; the worker's while it is out. */
struct log_look {
    struct job job;
    struct serial_logs *logs; /* the loop's; NULL: nobody waits any more */
    char *dir;
};

struct serial_logs {
    struct fleet *fleet;
    struct loop_timer *timer;
    struct workers *workers; /* one */
    struct log_look *out;
};

static void look_at_files(struct job *job)
{
    const struct log_look *look = CONTAINER_OF(job, struct log_look, job);
    AUTO(fd_close) int folder = open(look->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        serial_logs_cut(folder);
    }
}

static void files_were_looked_at(struct letter *letter)
{
    struct log_look *look = CONTAINER_OF(letter, struct log_look, job.letter);
    if (look->logs != NULL) {
        look->logs->out = NULL;
    }
    free(look->dir);
    free(look);
}

/* There is one embedded host in a process (libvirt.md 12). */
static const struct fleet_host *embedded_host(const struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->host_count; i++) {
        if (host_traits(fleet->hosts[i].host).is_embedded) {
            return &fleet->hosts[i];
        }
    }
    return NULL;
}

static void begin_look(void *owner)
{
    struct serial_logs *logs = owner;
    const struct fleet_host *on = embedded_host(logs->fleet);
    if (on == NULL || logs->out != NULL || logs->fleet->closing) {
        return;
    }
    struct log_look *look = xcalloc(1, sizeof *look);
    look->job = (struct job){.letter.deliver = files_were_looked_at, .run = look_at_files};
    look->dir = xstrdup(on->place.dir);
    look->logs = logs;
    logs->out = look;
    workers_submit(logs->workers, &look->job);
}

struct serial_logs *serial_logs_new(struct fleet *fleet)
{
    struct serial_logs *logs = xcalloc(1, sizeof *logs);
    logs->fleet = fleet;
    logs->workers = workers_new(fleet->loop, "serial logs", 1, IDLE_MS);
    logs->timer = loop_timer_new(fleet->loop, begin_look, logs);
    if (embedded_host(fleet) != NULL) {
        loop_timer_start(logs->timer, 0, LOOK_MS);
    }
    return logs;
}

void serial_logs_free(struct serial_logs *logs)
{
    if (logs == NULL) {
        return;
    }
    if (logs->out != NULL) {
        logs->out->logs = NULL;
    }
    loop_timer_free(logs->timer);
    workers_free(logs->workers);
    free(logs);
}
