/*
 * reads: the hosts, and the store or why there is none; all borrowed but the reason. Nothing is
 * kept of what they answer.
 */
#include "ops/reads.h"

#include "host/host.h"
#include "memory.h"
#include "refusals.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

struct reads {
    struct store *store;
    char *store_error; /* why there is none */
    struct host **hosts;
    size_t host_count;
};

struct reads *reads_new(void)
{
    return xcalloc(1, sizeof(struct reads));
}

void reads_set_store(struct reads *reads, struct store *store, const char *why_not)
{
    free(reads->store_error);
    reads->store = store;
    reads->store_error = xstrdup_or_null(why_not);
}

void reads_add_host(struct reads *reads, struct host *host)
{
    reads->hosts = xrealloc(reads->hosts, (reads->host_count + 1) * sizeof(struct host *));
    reads->hosts[reads->host_count++] = host;
}

static struct host *find_host(const struct reads *reads, const char *name, struct lodge_error *err)
{
    for (size_t i = 0; i < reads->host_count; i++) {
        if (strcmp(host_name(reads->hosts[i]), name) == 0) {
            return reads->hosts[i];
        }
    }
    (void)refuse_unknown_host(err, name);
    return NULL;
}

void reads_xml(struct reads *reads, const char *host, const char *uuid, reads_xml_fn *answer,
               void *data)
{
    struct lodge_error err = {0};
    struct host *on = find_host(reads, host, &err);
    if (on == NULL) {
        answer(data, NULL, &err);
        return;
    }
    host_read_xml(on, uuid, false, answer, data);
}

void reads_fresh(struct reads *reads, const char *host, const char *uuid, reads_fresh_fn *answer,
                 void *data)
{
    struct lodge_error err = {0};
    struct host *on = find_host(reads, host, &err);
    if (on == NULL) {
        answer(data, &err);
        return;
    }
    host_fresh(on, uuid, answer, data);
}

bool reads_beside(struct reads *reads, const char *host, const char *uuid)
{
    struct lodge_error err = {0};
    struct host *on = find_host(reads, host, &err);
    /* of a host that is not configured any more there is nothing to read */
    return on != NULL && host_refresh_beside(on, uuid);
}

const char *reads_store_trouble(const struct reads *reads)
{
    return reads->store == NULL ? reads->store_error : store_trouble(reads->store);
}

const char *reads_store_note(const struct reads *reads)
{
    return reads->store == NULL ? NULL : store_note(reads->store);
}
