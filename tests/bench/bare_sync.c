/*
 * bare_sync: the least that learning a libvirt's domains can take; what lodged's sync is compared
 * with.
 *
 * `bare_sync URI full` lists all, asks STATE in bulk and all XML by 4 threads on one connection.
 * `bare_sync URI lists COUNT PAUSE_MS` makes the lists filtered by state, COUNT times, with pauses
 * in which caches cool as they do between two safety syncs. Prints milliseconds, the median, and
 * how many domains there were. Keeps nothing of what it is told.
 */
#include "scope.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
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
static int sync_full(virConnectPtr connection)
{
    struct fetch fetch = {0};
    virDomainStatsRecordPtr *records = NULL;
    pthread_t threads[THREADS];

    fetch.count = virConnectListAllDomains(connection, &fetch.domains, 0);
    int told = virConnectGetAllDomainStats(connection, VIR_DOMAIN_STATS_STATE, &records, 0);
    if (fetch.count < 0 || told < 0) {
        return -1;
    }
    virDomainStatsRecordListFree(records);
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

static int sync_lists(virConnectPtr connection)
{
    int total = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(filters); i++) {
        virDomainPtr *domains = NULL;
        int count = virConnectListAllDomains(connection, &domains, filters[i]);
        if (count < 0) {
            return -1;
        }
        free_domains(domains, count);
        total += count;
    }
    return total;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bare_sync URI full|lists [COUNT [PAUSE_MS]]\n");
        return 2;
    }
    bool full = strcmp(argv[2], "full") == 0;
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
        domains = full ? sync_full(connection) : sync_lists(connection);
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
