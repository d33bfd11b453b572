/*
 * trial: a domain is a trial by the first ten bytes of its uuid. While one is known a timer looks
 * every 10 s, and one that was there at the look before is forced off by a task on `rescue`, which
 * first looks for the mark. Loop-only, but for that task and trial_uuid().
 */
#include "host/trial.h"

#include "host/hand_private.h"
#include "log.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A trial takes 3 s: one that is there at two looks in a row is nobody's any more. */
enum { LOOK_MS = 10 * 1000, OWN_BYTES = 6 };

static const unsigned char prefix[UUID_SIZE - OWN_BYTES] = {0x10, 0xd9, 0xe7, 0xe5, 0,
                                                            0,    0x40, 0,    0x80, 0};

void trial_uuid(char ret_uuid[static 37])
{
    unsigned char own[OWN_BYTES];
    if (getrandom(own, sizeof own, 0) != sizeof own) {
        abort(); /* never fails once the kernel is up (getrandom(2)) */
    }
    snprintf(ret_uuid, 37, "10d9e7e5-0000-4000-8000-%02x%02x%02x%02x%02x%02x", own[0], own[1],
             own[2], own[3], own[4], own[5]);
}

static bool is_trial(const struct domain *domain)
{
    return memcmp(domain->uuid, prefix, sizeof prefix) == 0;
}

void trial_may_be(struct host *host, const struct domain *domain)
{
    if (is_trial(domain) && !loop_timer_is_active(host->trials)) {
        loop_timer_start(host->trials, LOOK_MS, 0);
    }
}

struct ending {
    struct host_task task; /* first */
    char uuid[37];
};

/* On a worker. A uuid can be made up: the mark must be there too. */
static void end(struct host_task *task, struct hand *hand)
{
    const struct ending *ending = (struct ending *)task;
    struct domain_look look;
    struct lodge_error err = {0};
    bool is_one = hand_look(hand, ending->uuid, &look, &err) && look.present && look.active &&
                  strcmp(look.installation, TRIAL_MARK) == 0;
    if (is_one && hand_destroy(hand, ending->uuid, &err)) {
        log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = hand->host->name},
                 "%s, which tried KVM for a lodged that is gone, is forced off", look.name);
    } else if (err.kind != LODGE_ERROR_NONE) {
        log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = hand->host->name},
                 "a trial of KVM, %s, stays: %s", ending->uuid, err.message);
    }
}

static void ended(struct host_task *task, bool ran)
{
    (void)ran; /* the next looks find it again */
    free(task);
}

void trials_look(void *owner)
{
    struct host *host = owner;
    bool any = false;
    for (struct domain *domain = host->domains.first; domain != NULL; domain = domain->next) {
        if (!is_trial(domain)) {
            continue;
        }
        any = true;
        if (domain->is_old_trial) {
            struct ending *ending = xcalloc(1, sizeof *ending);
            ending->task = (struct host_task){end, ended};
            snprintf(ending->uuid, sizeof ending->uuid, "%s", domain->uuid_text);
            host_submit(host, HOST_LANE_RESCUE, &ending->task);
        }
        domain->is_old_trial = !domain->is_old_trial;
    }
    if (any) {
        loop_timer_start(host->trials, LOOK_MS, 0);
    }
}
