/*
 * bare_sync: the least that learning a libvirt's domains can take; what lodged's sync is compared
 * with.
 *
 * `bare_sync URI full` lists all, asks STATE in bulk and all XML by 4 threads on one connection.
 * `bare_sync URI lists COUNT PAUSE_MS` makes the lists filtered by state, COUNT times, with pauses
 * in which caches cool as they do between two safety syncs. `bare_sync URI definitions COUNT` makes
 * the calls of a reading of who uses which files, COUNT times: the lists of all and of those with
 * snapshots, checkpoints and saved state, and all XML by 4 threads. Prints milliseconds, the
 * median, and how many domains there were. Keeps nothing of what it is told.
 */
#include "scope.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4 };

/* The states that lodged tells apart, as libvirt filters them. */
static const unsigned filters[] = {
    VIR_CONNECT_LIST_DOMAINS_RUNNING,
    VIR_CONNECT_LIST_DOMAINS_PAUSED,
    VIR_CONNECT_LIST_DOMAINS_SHUTOFF,
    VIR_CONNECT_LIST_DOMAINS_OTHER,
};

struct fetch {
    virDomainPtr *domains;
    int count;
    atomic_int next;
};

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void free_domains(virDomainPtr *domains, int count)
{
    for (int i = 0; i < count; i++) {
        virDomainFree(domains[i]);
    }
    free(domains);
}

static void *fetch_xml(void *data)
{
    struct fetch *fetch = data;
    int i;
    while ((i = atomic_fetch_add(&fetch->next, 1)) < fetch->count) {
        free(virDomainGetXMLDesc(fetch->domains[i], 0));
    }
    return NULL;
}

/* How many domains, -1 on failure. */
static int fetch_all(virConnectPtr connection)
{
    struct fetch fetch = {0};
    pthread_t threads[THREADS];

    fetch.count = virConnectListAllDomains(connection, &fetch.domains, 0);
    if (fetch.count < 0) {
        return -1;
    }
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, fetch_xml, &fetch) != 0) {
            return -1;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    free_domains(fetch.domains, fetch.count);
    return fetch.count;
}

static int sync_full(virConnectPtr connection)
{
    virDomainStatsRecordPtr *records = NULL;
    if (virConnectGetAllDomainStats(connection, VIR_DOMAIN_STATS_STATE, &records, 0) < 0) {
        return -1;
    }
    virDomainStatsRecordListFree(records);
    return fetch_all(connection);
}

static int list_by(virConnectPtr connection, const unsigned *flags, size_t flag_count)
{
    int total = 0;
    for (size_t i = 0; i < flag_count; i++) {
        virDomainPtr *domains = NULL;
        int count = virConnectListAllDomains(connection, &domains, flags[i]);
        if (count < 0) {
            return -1;
        }
        free_domains(domains, count);
        total += count;
    }
    return total;
}

static int sync_lists(virConnectPtr connection)
{
    return list_by(connection, filters, ARRAY_LENGTH(filters));
}

static int read_definitions(virConnectPtr connection)
{
    static const unsigned few[] = {VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT,
                                   VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
                                   VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE};
    int count = list_by(connection, few, ARRAY_LENGTH(few));
    return count < 0 ? -1 : fetch_all(connection);
}

static const struct {
    const char *word;
    int (*run)(virConnectPtr connection);
} ways[] = {
    {"full", sync_full},
    {"lists", sync_lists},
    {"definitions", read_definitions},
};

static int (*way_called(const char *word))(virConnectPtr connection)
{
    for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
        if (strcmp(ways[i].word, word) == 0) {
            return ways[i].run;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int (*run)(virConnectPtr connection) = argc < 3 ? NULL : way_called(argv[2]);
    if (run == NULL) {
        fprintf(stderr, "usage: bare_sync URI full|lists|definitions [COUNT [PAUSE_MS]]\n");
        return 2;
    }
    size_t count = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    int pause_ms = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0;
    AUTO(free) double *took = calloc(count + 1, sizeof(*took));
    virConnectPtr connection = virConnectOpen(argv[1]);
    if (connection == NULL || took == NULL || count == 0) {
        fprintf(stderr, "bare_sync: %s\n", virGetLastErrorMessage());
        return 1;
    }
    int domains = 0;
    for (size_t i = 0; i < count && domains >= 0; i++) {
        poll(NULL, 0, pause_ms);
        double begun = now_ms();
        domains = run(connection);
        took[i] = now_ms() - begun;
    }
    virConnectClose(connection);
    if (domains < 0) {
        fprintf(stderr, "bare_sync: %s\n", virGetLastErrorMessage());
        return 1;
    }
    qsort(took, count, sizeof(*took), compare);
    printf("%.3f %d\n", took[count / 2], domains);
    return 0;
}
