/*
 * bare_churn: a libvirt whose domains come and go, as fast as wanted.
 *
 * `bare_churn URI COUNT PER_SECOND SECONDS` defines COUNT domains of the test driver and prints
 * "ready"; after a line on its standard input it changes so many a second, for so long: each is
 * defined or undefined, among all the others by its name. Prints how many it has changed.
 */
#include "scope.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHANGING = 500, SPREAD = 7919, NS_PER_S = 1000000000 };

static long long now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (long long)NS_PER_S + time.tv_nsec;
}

static virDomainPtr define(virConnectPtr conn, const char *prefix, long number)
{
    char xml[512];
    snprintf(xml, sizeof xml,
             "<domain type='test'><name>%s%08ld</name><uuid>20d9e000-0000-4000-8000-%012lx</uuid>"
             "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>",
             prefix, number * SPREAD % 99999989, (unsigned long)number);
    virDomainPtr domain = virDomainDefineXML(conn, xml);
    if (domain == NULL) {
        fprintf(stderr, "bare_churn: %s\n", virGetLastErrorMessage());
    }
    return domain;
}

static bool change(virConnectPtr conn, virDomainPtr *place, long number)
{
    if (*place == NULL) {
        *place = define(conn, "vm", number);
        return *place != NULL;
    }
    bool ok = virDomainUndefine(*place) == 0;
    virDomainFree(TAKE(*place));
    return ok;
}

/* Each is done when it is due, or late: how many were done is what counts. */
static long churn(virConnectPtr conn, long count, long per_second, long seconds)
{
    static virDomainPtr places[CHANGING];
    long done = 0;
    long long begun = now_ns();
    long long end = begun + seconds * (long long)NS_PER_S;
    while (now_ns() < end) {
        long long due = begun + done * (NS_PER_S / per_second);
        struct timespec until = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        if (!change(conn, &places[done % CHANGING], count + done)) {
            return -1;
        }
        done++;
    }
    return done;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bare_churn URI COUNT PER_SECOND SECONDS\n");
        return 2;
    }
    long count = strtol(argv[2], NULL, 10);
    virConnectPtr conn = virConnectOpen(argv[1]);
    for (long i = 0; i < count; i++) {
        virDomainPtr domain = conn == NULL ? NULL : define(conn, "vm", i);
        if (domain == NULL) {
            return 1;
        }
        virDomainFree(domain);
    }
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) {
        return 0;
    }
    long done = churn(conn, count, strtol(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
    printf("%ld\n", done);
    virConnectClose(conn);
    return done < 0;
}
