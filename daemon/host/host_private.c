/*
 * host_private: what every file of this folder does with a host, whichever it is: hold it, ask for
 * its name, have it try again later. Calls nothing of the others. Loop-only, but for what is read.
 */
#include "host/host_private.h"
#include "host/host_conn.h"

#include <stdlib.h>
#include <sys/random.h>

enum { RETRY_FIRST_MS = 250, RETRY_LAST_MS = 15000 };

const char *host_name(const struct host *host)
{
    return host->name;
}

const struct uri *host_uri(const struct host *host)
{
    return &host->uri;
}

unsigned long long host_defined(const struct host *host)
{
    return atomic_load(&host->defined);
}

void host_ref(struct host *host)
{
    host->refs++;
}

void host_unref(struct host *host)
{
    if (--host->refs > 0) {
        return;
    }
    ask_queue_clear(&host->states);
    ask_queue_clear(&host->definitions);
    ask_queue_clear(&host->unsettled);
    ask_queue_clear(&host->doubts);
    domains_done(&host->domains);
    uri_clear(&host->uri);
    pthread_mutex_destroy(&host->virt_lock);
    free(host->virt_type);
    free(host->name);
    free(host);
}

void host_retry_later(struct host *host)
{
    uint64_t delay_ms = RETRY_FIRST_MS;
    for (unsigned i = 0; i < host->failures && delay_ms < RETRY_LAST_MS; i++) {
        delay_ms *= 2;
    }
    delay_ms = delay_ms > RETRY_LAST_MS ? RETRY_LAST_MS : delay_ms;
    host->failures++;
    /* Up to a quarter less, so that the hosts of a libvirtd do not come back in step. */
    unsigned char jitter = 0;
    if (getrandom(&jitter, 1, GRND_NONBLOCK) < 0) {
        jitter = 0;
    }
    delay_ms -= delay_ms * jitter / 1024;
    loop_timer_start(host->retry, delay_ms, 0);
}
