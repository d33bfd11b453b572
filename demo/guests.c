/*
 * lodge-guests: defines, starts and stops the demonstration guests on an embedded QEMU driver.
 *
 * It opens qemu:///embed?root=ROOT itself, so it runs before lodged has opened that root or after
 * it has left (one process per root); the guests outlive it. It goes when lodged can make VMs
 * itself. One thread of its own runs libvirt's event loop, without which nothing opens.
 */
#include "guest_xml.h"
#include "scope.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

DEFINE_AUTO(virDomainPtr, virDomainFree, NULL);
DEFINE_AUTO(virConnectPtr, virConnectClose, NULL);
DEFINE_AUTO(FILE *, fclose, NULL);

static const struct guest guests[] = {
    {
        .name = "tiny",
        .uuid = "7d1a2c60-10d9-4e00-9000-000000000001",
        .title = "A shell on screen and serial port",
        .memory_mib = 80, /* with 64 the serial line stays dumb */
    },
    {
        .name = "invaders",
        .uuid = "7d1a2c60-10d9-4e00-9000-000000000002",
        .title = "nInvaders, to be played over VNC",
        .memory_mib = 96,
    },
};

/* What the driver must find before it is first opened. Files for serial logs, because otherwise
 * each start looks for virtlogd. A root process' driver would start QEMU as libvirt-qemu, which
 * cannot reach a folder below a home that is 0700; a normal user's may not even name an account. */
static const char qemu_conf[] = "stdio_handler = \"file\"\n";
static const char qemu_conf_root[] = "user = \"root\"\n"
                                     "group = \"root\"\n"
                                     "dynamic_ownership = 0\n"
                                     "remember_owner = 0\n"
                                     "security_driver = \"none\"\n";

static bool complain(const char *what)
{
    fprintf(stderr, "lodge-guests: %s: %s\n", what, virGetLastErrorMessage());
    return false;
}

static bool complain_errno(const char *what)
{
    fprintf(stderr, "lodge-guests: %s: %s\n", what, strerror(errno));
    return false;
}

static bool path_join(char *out, size_t size, const char *folder, const char *name)
{
    int length = snprintf(out, size, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= size) {
        errno = ENAMETOOLONG;
        return complain_errno(folder);
    }
    return true;
}

static bool folder_make(char *out, size_t size, const char *root, const char *name)
{
    if (!path_join(out, size, root, name)) {
        return false;
    }
    return mkdir(out, 0700) == 0 || errno == EEXIST || complain_errno(out);
}

/* Writes what the embedded driver reads, and turns what it would put into $HOME into ROOT. */
static bool root_prepare(const char *root)
{
    static const char *const homes[][2] = {
        {"XDG_CACHE_HOME", "cache"}, {"XDG_CONFIG_HOME", "config"}, {"XDG_RUNTIME_DIR", "run"}};
    char path[PATH_MAX];
    if (mkdir(root, 0700) != 0 && errno != EEXIST) {
        return complain_errno(root);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(homes); i++) {
        if (!folder_make(path, sizeof(path), root, homes[i][1])) {
            return false;
        }
        setenv(homes[i][0], path, 1);
    }
    char folder[PATH_MAX];
    if (!folder_make(folder, sizeof(folder), root, "etc") ||
        !path_join(path, sizeof(path), folder, "qemu.conf")) {
        return false;
    }
    AUTO(fclose) FILE *file = fopen(path, "we");
    const char *more = geteuid() == 0 ? qemu_conf_root : "";
    if (!file || fputs(qemu_conf, file) < 0 || fputs(more, file) < 0 || fflush(file) != 0) {
        return complain_errno(path);
    }
    return true;
}

static void *run_events(void *unused)
{
    (void)unused;
    while (virEventRunDefaultImpl() == 0) {
    }
    return NULL;
}

/* libvirt prints each error by itself too; complain() says them once, with what was tried. */
static void hear_error(void *unused, virErrorPtr error)
{
    (void)unused;
    (void)error;
}

static virConnectPtr embedded_open(const char *root)
{
    setenv("LIBVIRT_LOG_OUTPUTS", "4:file:/dev/null", 0);
    virSetErrorFunc(NULL, hear_error);
    pthread_t thread;
    if (virEventRegisterDefaultImpl() != 0 ||
        pthread_create(&thread, NULL, run_events, NULL) != 0) {
        complain("libvirt's event loop");
        return NULL;
    }
    pthread_detach(thread);
    AUTO(free) char *uri = guest_uri(root);
    virConnectPtr connection = virConnectOpen(uri);
    if (!connection) {
        complain(uri);
    }
    return connection;
}

/* Ends a guest at once. One that ends by itself meanwhile has done what was asked. */
static bool guest_stop(virConnectPtr connection, const struct guest *guest)
{
    AUTO(virDomainFree) virDomainPtr domain = virDomainLookupByUUIDString(connection, guest->uuid);
    if (!domain || virDomainIsActive(domain) != 1) {
        return true;
    }
    if (virDomainDestroy(domain) != 0 && virDomainIsActive(domain) == 1) {
        return complain(guest->name);
    }
    printf("stopped %s\n", guest->name);
    return true;
}

static bool guest_start(virConnectPtr connection, const struct guest *guest, const char *root,
                        const char *kernels)
{
    char folder[PATH_MAX];
    char log[PATH_MAX];
    char name[64];
    snprintf(name, sizeof(name), "%s.serial", guest->name);
    if (!path_join(folder, sizeof(folder), kernels, guest->name) ||
        !path_join(log, sizeof(log), root, name)) {
        return false;
    }
    if (access(folder, F_OK) != 0) {
        printf("no kernel %s: left out\n", folder);
        return true;
    }
    /* A guest left over from a start that was killed is begun anew, and so is its serial log. */
    if (!guest_stop(connection, guest)) {
        return false;
    }
    unlink(log);
    AUTO(free) char *xml = guest_xml(guest, folder, log);
    if (!xml) {
        return complain_errno(folder);
    }
    AUTO(virDomainFree)
    virDomainPtr domain = virDomainDefineXMLFlags(connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);
    if (!domain || virDomainCreate(domain) != 0) {
        return complain(guest->name);
    }
    printf("started %s\n", guest->name);
    return true;
}

static bool guest_print(virConnectPtr connection, const struct guest *guest)
{
    AUTO(virDomainFree) virDomainPtr domain = virDomainLookupByUUIDString(connection, guest->uuid);
    const char *state = !domain                          ? "not defined"
                        : virDomainIsActive(domain) == 1 ? "running"
                                                         : "shut off";
    printf("%-10s %s\n", guest->name, state);
    return true;
}

static int usage(void)
{
    fputs("usage: lodge-guests start ROOT KERNELS\n"
          "       lodge-guests stop|list ROOT\n"
          "ROOT is the folder of an embedded QEMU driver that no other process has open,\n"
          "KERNELS a folder made by demo/build-kernels; both are absolute paths.\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    bool start = argc == 4 && strcmp(argv[1], "start") == 0 && argv[3][0] == '/';
    bool stop = argc == 3 && strcmp(argv[1], "stop") == 0;
    bool list = argc == 3 && strcmp(argv[1], "list") == 0;
    if ((!start && !stop && !list) || argv[2][0] != '/') {
        return usage();
    }
    const char *root = argv[2];
    if (!root_prepare(root)) {
        return 1;
    }
    AUTO(virConnectClose) virConnectPtr connection = embedded_open(root);
    bool good = connection != NULL;
    for (size_t i = 0; connection && i < ARRAY_LENGTH(guests); i++) {
        good = (start  ? guest_start(connection, &guests[i], root, argv[3])
                : stop ? guest_stop(connection, &guests[i])
                       : guest_print(connection, &guests[i])) &&
               good;
    }
    return good ? 0 : 1;
}
