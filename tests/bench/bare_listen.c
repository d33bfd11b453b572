/*
 * bare_listen: when libvirt's events reach a program that does nothing else; what the way from
 * libvirt through lodged to a subscriber is compared with.
 *
 * `bare_listen URI` prints "ready", then for each lifecycle event CLOCK_MONOTONIC in ns, the uuid
 * and the event's number. Ends with the connection, or when killed.
 */
#include "scope.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <time.h>

static int heard(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *data)
{
    struct timespec time;
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    (void)connection;
    (void)detail;
    (void)data;
    clock_gettime(CLOCK_MONOTONIC, &time);
    virDomainGetUUIDString(domain, uuid);
    printf("%lld %s %d\n", time.tv_sec * 1000000000LL + time.tv_nsec, uuid, event);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bare_listen URI\n");
        return 2;
    }
    virEventRegisterDefaultImpl();
    virConnectPtr connection = virConnectOpen(argv[1]);
    if (connection == NULL ||
        virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(heard), NULL, NULL) < 0) {
        fprintf(stderr, "bare_listen: %s\n", virGetLastErrorMessage());
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (virConnectIsAlive(connection) == 1 && virEventRunDefaultImpl() == 0) {
    }
    return 0;
}
