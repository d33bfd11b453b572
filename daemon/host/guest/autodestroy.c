/*
 * autodestroy: a domain is such a guest by the first ten bytes of its uuid. While one is known a
 * timer looks every 10 s, and one that was there at the look before is forced off by a task on
 * `rescue`, which first looks for the mark. Loop-only, but for that task and autodestroy_uuid().
 */
#include "host/guest/autodestroy.h"
#include "host/xml/stand_in_xml.h"

#include "host/guest/domain_private.h"
#include "log.h"
#include "memory.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { LOOK_MS = 10 * 1000, OWN_BYTES = 6 };

/* One that is there at so many looks in a row is nobody's any more: a probe takes 3 s; a stand-in
 * as long as QEMU needs to start, to make a disk larger, and to end. */
static const struct {
    unsigned char prefix[UUID_SIZE - OWN_BYTES];
    int looks;
    const char *mark;
    const char *deed;
} kinds[] = {
    [AUTODESTROY_KVM_PROBE] =
        {
            .prefix = {0x10, 0xd9, 0xe7, 0xe5, 0, 0, 0x40, 0, 0x80, 0},
            .looks = 2,
            .mark = KVM_PROBE_MARK,
            .deed = "tried KVM",
        },
    [AUTODESTROY_STAND_IN] =
        {
            .prefix = {0x10, 0xd9, 0xe7, 0xe5, 0, 1, 0x40, 0, 0x80, 0},
            .looks = 5,
            .mark = STAND_IN_MARK,
            .deed = "made a disk larger",
        },
};

void autodestroy_uuid(enum autodestroy_kind kind, char ret_uuid[static 37])
{
    unsigned char own[OWN_BYTES];
    if (getrandom(own, sizeof own, 0) != sizeof own) {
        abort(); /* never fails once the kernel is up (getrandom(2)) */
    }
    snprintf(ret_uuid, 37, "10d9e7e5-%04x-4000-8000-%02x%02x%02x%02x%02x%02x",
             kinds[kind].prefix[5], own[0], own[1], own[2], own[3], own[4], own[5]);
}

/* Its kind; the table's length for what is none. */
static size_t autodestroy_kind(const struct domain *domain)
{
    size_t kind = 0;
    while (kind < ARRAY_LENGTH(kinds) &&
           memcmp(domain->uuid, kinds[kind].prefix, sizeof kinds[kind].prefix) != 0) {
        kind++;
    }
    return kind;
}

static bool is_autodestroyed(const struct domain *domain)
{
    return autodestroy_kind(domain) < ARRAY_LENGTH(kinds);
}

void autodestroy_may_be(struct host *host, const struct domain *domain)
{
    if (is_autodestroyed(domain) && !loop_timer_is_active(host->autodestroy)) {
        loop_timer_start(host->autodestroy, LOOK_MS, 0);
    }
}

struct ending {
    struct host_task task; /* first */
    char uuid[37];
    size_t kind;
};

/* On a worker. A uuid can be made up: the mark must be there too. */
static void ending_run(struct host_task *task, struct host_conn *conn)
{
    const struct ending *ending = (struct ending *)task;
    struct domain_look look;
    struct lodge_error err = {0};
    bool is_one = domain_look(conn, ending->uuid, &look, &err) && look.present && look.active &&
                  strcmp(look.installation, kinds[ending->kind].mark) == 0;
    if (is_one && domain_destroy(conn, ending->uuid, &err)) {
        log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = host_name(conn->host)},
                 "%s, which %s for a lodged that is gone, is forced off", look.name,
                 kinds[ending->kind].deed);
    } else if (err.kind != LODGE_ERROR_NONE) {
        log_with(LOG_LEVEL_WARNING, LOG_HOST, &(struct log_fields){.host = host_name(conn->host)},
                 "%s, which %s, stays: %s", ending->uuid, kinds[ending->kind].deed, err.message);
    }
}

static void ending_done(struct host_task *task, bool ran)
{
    (void)ran; /* the next looks find it again */
    free(task);
}

void autodestroy_look(void *owner)
{
    struct host *host = owner;
    bool any = false;
    for (struct domain *domain = host->domains.first; domain != NULL; domain = domain->next) {
        if (!is_autodestroyed(domain)) {
            continue;
        }
        any = true;
        size_t kind = autodestroy_kind(domain);
        if (++domain->autodestroy_looks % kinds[kind].looks == 0) {
            struct ending *ending = xcalloc(1, sizeof *ending);
            ending->task = (struct host_task){ending_run, ending_done};
            ending->kind = kind;
            snprintf(ending->uuid, sizeof ending->uuid, "%s", domain->uuid_text);
            host_submit(host, HOST_CHANNEL_RESCUE, &ending->task);
        }
    }
    if (any) {
        loop_timer_start(host->autodestroy, LOOK_MS, 0);
    }
}
