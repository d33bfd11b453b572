/*
 * uses_devices.c: what block devices are made of, as the kernel says in /sys.
 *
 * What is read of a device is read of what lies under it: that is used by whoever has the device.
 * On a worker; nothing is owned.
 */
#include "host/storage/uses_private.h"
#include "memory.h"
#include "scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LONGEST_LOOP_NAME = 4096 };

DEFINE_AUTO(DIR *, closedir, NULL);

/* A file that somebody made a block device of: the kernel knows its name. What is read of the
 * device is read of the file. */
static void read_loop_device(struct uses *uses, struct uses_file *file, dev_t device)
{
    static const char *const parents[] = {"", "../"}; /* the device's, or its partition's */
    for (size_t i = 0; i < ARRAY_LENGTH(parents); i++) {
        char name[LONGEST_LOOP_NAME] = "";
        AUTO(free)
        char *place = xasprintf("/sys/dev/block/%u:%u/%sloop/backing_file", major(device),
                                minor(device), parents[i]);
        AUTO(fd_close) int fd = open(place, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
        if (got > 0) {
            name[strcspn(name, "\n")] = '\0';
            uses_add_below(uses, file, name, name, file->may_name_others);
        }
    }
}

/* What the device mapper has put on other devices: partitions of a loop device, volumes, mirrors.
 */
static void read_slaves(struct uses *uses, struct uses_file *file, dev_t device)
{
    AUTO(free)
    char *place = xasprintf("/sys/dev/block/%u:%u/slaves", major(device), minor(device));
    AUTO(closedir) DIR *slaves = opendir(place);
    const struct dirent *slave = slaves == NULL ? NULL : readdir(slaves);
    for (; slave != NULL; slave = readdir(slaves)) {
        if (slave->d_name[0] != '.') {
            AUTO(free) char *path = xasprintf("/dev/%s", slave->d_name);
            uses_add_below(uses, file, path, NULL, file->may_name_others);
        }
    }
}

void uses_follow_device(struct uses *uses, struct uses_file *file, dev_t device)
{
    read_loop_device(uses, file, device);
    read_slaves(uses, file, device);
}
