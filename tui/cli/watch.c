/*
 * watch: `lodge watch [QUERY]`, a line for each thing that happens, until interrupted. As JSON the
 * events of VMs and hosts as they come; for people what the chronicle makes of these, of operations
 * and of sessions, each line behind the time by the clock on the wall, in a pipe with its date.
 */
#include "cli/chronicle.h"
#include "cli/command.h"
#include "cli/print.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

DEFINE_AUTO(struct chronicle *, chronicle_free, NULL);

struct watch {
    struct chronicle *chronicle; /* NULL: as JSON */
    struct lodge_error error;    /* the daemon refused */
};

/* What the lines say of VMs. */
static const char *const fields[] = {
    "state", "reason",   "since", "managed",      "owner",   "vcpus",     "memory_mib", "disk_gib",
    "tags",  "graphics", "ips",   "unresponsive", "pending", "autostart", NULL,
};

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* "14:03:22  "; where it is kept, "2026-11-28T14:03:22+01:00  ". */
static void print_now(void *data, const char *line)
{
    char head[48];
    struct tm local;
    time_t now = time(NULL);
    (void)data;
    localtime_r(&now, &local);
    if (print_width() > 0) {
        (void)strftime(head, sizeof head, "%H:%M:%S  ", &local);
    } else {
        size_t length = strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S%z", &local);
        char *minutes = head + length - 2; /* of +0100 */
        memmove(minutes + 1, minutes, 3);
        *minutes = ':';
        memcpy(head + length + 1, "  ", 3);
    }
    print_line(stdout, head, line);
    fflush(stdout);
}

static void hear_event(void *data, const struct lodge_event *event, const struct lodge_error *error)
{
    struct watch *watch = data;
    if (error) {
        watch->error = *error;
    } else if (watch->chronicle != NULL) {
        chronicle_hear(watch->chronicle, event, wall_ms());
    } else {
        print_json_event(event);
    }
}

bool run_watch(const struct command *command, struct lodge_error *err)
{
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, err);
    if (!client) {
        return false;
    }
    const char *query = command->argc > 0 ? command->argv[0] : NULL;
    bool json = command->json;
    struct lodge_subscribe what = {
        .topics =
            {
                [LODGE_TOPIC_VM] = true,
                [LODGE_TOPIC_HOST] = !json || !query, /* a query is about VMs */
                [LODGE_TOPIC_METRICS] = command->metrics,
                [LODGE_TOPIC_OP] = !json,
                [LODGE_TOPIC_SESSION] = !json,
            },
        .query = query,
        .fields = json ? NULL : fields,
    };
    AUTO(chronicle_free)
    struct chronicle *chronicle = json ? NULL : chronicle_new(query, print_now, NULL);
    struct watch watch = {.chronicle = chronicle};
    if (!lodge_client_subscribe(client, &what, hear_event, &watch, err)) {
        return false;
    }
    while (watch.error.kind == LODGE_ERROR_NONE) {
        bool goes_on = command_listen(client, -1, err);
        if (chronicle != NULL) {
            chronicle_settle(chronicle);
        }
        if (!goes_on) {
            return false;
        }
    }
    *err = watch.error;
    return false;
}
