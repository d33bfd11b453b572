/*
 * embedded: folders of the embedded driver's root, its qemu.conf, and XDG_* that point there.
 *
 * What is there already stays as it is, a qemu.conf too. A lodged that is root has guests run as
 * root where no other account can get to their disks, else as the driver's own account. Before
 * there are threads, since the environment is changed.
 */
#include "host/embedded.h"
#include "host/uri.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_root_folder(const char *path, struct lodge_error *err)
{
    struct stat there;
    if (mkdir(path, 0700) == 0) {
        return true;
    }
    int why = errno;
    if (why == EEXIST && stat(path, &there) == 0 && S_ISDIR(there.st_mode)) {
        return true;
    }
    return lodge_fail(err, LODGE_ERROR_INVALID, "cannot make the folder %s: %s", path,
                      strerror(why));
}

static bool make_folders(const char *path, struct lodge_error *err)
{
    AUTO(free) char *so_far = xstrdup(path);
    for (char *slash = strchr(so_far + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool good = access(so_far, F_OK) == 0 || make_root_folder(so_far, err);
        *slash = '/';
        if (!good) {
            return false;
        }
    }
    return make_root_folder(path, err);
}

/* Can an account that is not ours get to `path`? A home of 0700 above it says no. */
static bool others_may_pass(const char *path)
{
    AUTO(free) char *above = realpath(path, NULL);
    while (above != NULL) {
        char *slash = strrchr(above, '/');
        if (slash == NULL || slash == above) {
            return true;
        }
        *slash = '\0';
        struct stat there;
        if (stat(above, &there) < 0 || (there.st_mode & S_IXOTH) == 0) {
            return false;
        }
    }
    return false;
}

/* Ours is a folder that nobody else enters, so as root its guests run as root: libvirt-qemu could
 * not reach their disks. stdio_handler: without it every start looks for virtlogd, and starts one
 * or fails after 10 s. */
static bool write_qemu_conf(const char *root, bool as_root, struct lodge_error *err)
{
    AUTO(free) char *path = xasprintf("%s/etc/qemu.conf", root);
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        int why = errno;
        return why == EEXIST ||
               lodge_fail(err, LODGE_ERROR_INVALID, "cannot write %s: %s", path, strerror(why));
    }
    AUTO(free)
    char *text =
        xasprintf("# Written by lodged when it was not there; yours to change.\n"
                  "stdio_handler = \"file\"\n%s",
                  as_root ? "user = \"root\"\ngroup = \"root\"\ndynamic_ownership = 0\n" : "");
    ssize_t wrote = write(fd, text, strlen(text));
    int why = errno;
    if (wrote != (ssize_t)strlen(text)) {
        unlink(path);
        return lodge_fail(err, LODGE_ERROR_INVALID, "cannot write %s: %s", path,
                          wrote < 0 ? strerror(why) : "no room");
    }
    return true;
}

static bool point_environment(const char *root, struct lodge_error *err)
{
    static const struct {
        const char *variable;
        const char *folder;
    } places[] = {
        {"XDG_CACHE_HOME", "cache"},
        {"XDG_CONFIG_HOME", "config"},
        {"XDG_RUNTIME_DIR", "run"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        AUTO(free) char *path = xasprintf("%s/%s", root, places[i].folder);
        if (!make_root_folder(path, err)) {
            return false;
        }
        if (setenv(places[i].variable, path, 1) < 0) {
            return lodge_fail(err, LODGE_ERROR_INVALID, "cannot set %s", places[i].variable);
        }
    }
    return true;
}

static bool prepare_root(const char *root, struct lodge_error *err)
{
    /* The driver refuses to start as root without it, whatever user qemu.conf names. */
    bool as_root = geteuid() == 0;
    if (as_root && getpwnam("libvirt-qemu") == NULL) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "as root, the embedded QEMU driver wants the account libvirt-qemu: "
                          "useradd --system --no-create-home --shell /usr/sbin/nologin "
                          "libvirt-qemu, or run as a normal user");
    }
    AUTO(free) char *etc = xasprintf("%s/etc", root);
    return make_folders(root, err) && make_root_folder(etc, err) &&
           write_qemu_conf(root, as_root && !others_may_pass(root), err) &&
           point_environment(root, err);
}

bool embedded_prepare(const char *uri_text, struct lodge_error *err)
{
    struct uri uri;
    uri_read(&uri, uri_text);
    bool good = !uri.is_embedded || uri.root == NULL || prepare_root(uri.root, err);
    uri_clear(&uri);
    return good;
}
