/*
 * bare_hold: what the test driver itself takes.
 *
 * `bare_hold URI COUNT` opens so many connections, lists the domains of each once, and prints how
 * many there were and what the process holds by then, in KiB of memory of its own.
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>

static long own_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file != NULL && kib < 0 && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "Anonymous: %ld", &kib);
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bare_hold URI COUNT\n");
        return 2;
    }
    long domains = 0;
    for (long left = strtol(argv[2], NULL, 10); left > 0; left--) {
        virConnectPtr conn = virConnectOpen(argv[1]);
        int count = conn == NULL ? -1 : virConnectListAllDomains(conn, NULL, 0);
        if (count < 0) {
            fprintf(stderr, "bare_hold: %s\n", virGetLastErrorMessage());
            return 1;
        }
        domains += count;
    }
    printf("%ld %ld\n", domains, own_kib());
    return 0;
}
