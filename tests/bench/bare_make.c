/*
 * bare_make: the least that making and starting a guest can take; what lodged's operations are
 * compared with.
 *
 * `bare_make URI make POOL VOLUME.xml DOMAIN.xml`: a volume, a definition, a start paused, a
 * resume. `bare_make URI start NAME`: virDomainCreate. Either on a connection that is open already;
 * prints the milliseconds, then takes away what it has made.
 */
#include "scope.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TEXT_MAX = 65536 };

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

static bool complain(const char *what)
{
    fprintf(stderr, "bare_make: %s: %s\n", what, virGetLastErrorMessage());
    return false;
}

static bool read_text(const char *path, char text[TEXT_MAX])
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return false;
    }
    text[fread(text, 1, TEXT_MAX - 1, file)] = '\0';
    fclose(file);
    return true;
}

static bool make(virConnectPtr conn, char **words)
{
    static char volume_xml[TEXT_MAX];
    static char domain_xml[TEXT_MAX];
    virStoragePoolPtr pool = virStoragePoolLookupByName(conn, words[0]);
    if (pool == NULL || !read_text(words[1], volume_xml) || !read_text(words[2], domain_xml)) {
        return complain(words[0]);
    }
    double begun = now_ms();
    virStorageVolPtr volume = virStorageVolCreateXML(pool, volume_xml, 0);
    virDomainPtr domain = volume == NULL ? NULL : virDomainDefineXML(conn, domain_xml);
    bool runs = domain != NULL && virDomainCreateWithFlags(domain, VIR_DOMAIN_START_PAUSED) == 0 &&
                virDomainResume(domain) == 0;
    double took = now_ms() - begun;
    if (!runs) {
        complain("making");
    } else {
        printf("%.3f\n", took);
        virDomainDestroy(domain);
    }
    if (domain != NULL) {
        virDomainUndefine(domain);
        virDomainFree(domain);
    }
    if (volume != NULL) {
        virStorageVolDelete(volume, 0);
        virStorageVolFree(volume);
    }
    virStoragePoolFree(pool);
    return runs;
}

static bool start(virConnectPtr conn, const char *name)
{
    virDomainPtr domain = virDomainLookupByName(conn, name);
    if (domain == NULL) {
        return complain(name);
    }
    double begun = now_ms();
    bool runs = virDomainCreate(domain) == 0;
    double took = now_ms() - begun;
    if (runs) {
        printf("%.3f\n", took);
        virDomainDestroy(domain);
    } else {
        complain(name);
    }
    virDomainFree(domain);
    return runs;
}

int main(int argc, char **argv)
{
    virConnectPtr conn = argc < 4 ? NULL : virConnectOpen(argv[1]);
    if (conn == NULL) {
        fputs("usage: bare_make URI make POOL VOLUME.xml DOMAIN.xml | start NAME\n", stderr);
        return 2;
    }
    bool good = argc == 6 && strcmp(argv[2], "make") == 0 ? make(conn, argv + 3)
                : strcmp(argv[2], "start") == 0           ? start(conn, argv[3])
                                                          : false;
    virConnectClose(conn);
    return good ? 0 : 1;
}
