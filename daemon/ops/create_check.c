/*
 * create_check.c: what a creation was asked for, looked up: the library has the image, the host the
 * network, and every file has its name. On the worker, before anything is recorded: what is refused
 * here leaves no operation.
 */
#include "buffer.h"
#include "host/storage/images.h"
#include "memory.h"
#include "ops/recipes.h"
#include "scope.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void take_text(char **place, char **from)
{
    free(*place);
    *place = TAKE(*from);
}

static bool find_image(struct op *op, const char *name, enum image_kind kind, const char *param,
                       struct image *ret_image)
{
    return image_find(&op->ops->fleet->options.image_dirs, name, kind, param, ret_image,
                      &op->error);
}

static bool check_new_disk(struct op *op, struct plan_disk *disk)
{
    struct image image = {0};
    if (disk->pool != NULL && strcmp(disk->pool, op->plan.pool) != 0) {
        return lodge_fail(&op->error, LODGE_ERROR_UNSUPPORTED,
                          "on host '%s' lodge makes disks in pool '%s' only, not in '%s'",
                          op->host_name, op->plan.pool, disk->pool);
    }
    if (disk->image == NULL) {
        return true;
    }
    if (!find_image(op, disk->image, IMAGE_DISK, "disks", &image)) {
        return false;
    }
    bool fits = disk->size_gib >= image.size_gib;
    if (!fits) {
        (void)lodge_fail_param(&op->error, "disks",
                               "image '%s' needs a disk of %lld GiB, %lld were asked for",
                               disk->image, (long long)image.size_gib, (long long)disk->size_gib);
    } else {
        take_text(&disk->image, &image.path);
        take_text(&disk->image_format, &image.format);
    }
    image_clear(&image);
    return fits;
}

static bool check_media(struct op *op)
{
    struct plan *plan = &op->plan;
    struct image image = {0};
    if (plan->iso != NULL) {
        if (!find_image(op, plan->iso, IMAGE_ISO, "iso", &image)) {
            return false;
        }
        take_text(&plan->iso, &image.path);
        image_clear(&image);
    }
    if (plan->kernel != NULL) {
        if (!find_image(op, plan->kernel, IMAGE_KERNEL, "kernel", &image)) {
            return false;
        }
        take_text(&plan->kernel, &image.path);
        take_text(&plan->initrd, &image.initrd);
        take_text(&plan->cmdline, &image.cmdline);
        image_clear(&image);
    }
    return true;
}

static bool is_plain_word(const char *name)
{
    bool is_plain = name[0] != '-';
    for (const char *at = name; *at != '\0'; at++) {
        is_plain &= isalnum((unsigned char)*at) || strchr("._-+:@", *at) != NULL;
    }
    return is_plain;
}

/* As one word of a shell: names may have blanks and quotes. */
static char *shell_word(const char *name)
{
    if (is_plain_word(name)) {
        return xstrdup(name);
    }
    struct buffer word = {0};
    buffer_add_char(&word, '\'');
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '\'') {
            buffer_add_text(&word, "'\\''");
        } else {
            buffer_add_char(&word, *at);
        }
    }
    buffer_add_char(&word, '\'');
    char *quoted = buffer_take(&word);
    if (quoted == NULL) {
        abort(); /* out of memory */
    }
    return quoted;
}

/* QEMU's own, which needs nothing of libvirt. */
static bool is_qemus(const char *network)
{
    return strcmp(network, "user") == 0;
}

/* One that was named must be there, and active if the guest is to start now. */
static bool check_named(struct op *op, struct host_conn *conn)
{
    const char *name = op->plan.network;
    enum network_presence network = NETWORK_ABSENT;
    if (is_qemus(name)) {
        return true;
    }
    if (!host_conn_traits(conn).is_embedded && !network_look_up(conn, name, &network, &op->error)) {
        return false;
    }
    if (network == NETWORK_ABSENT) {
        return lodge_fail(&op->error, LODGE_ERROR_NOT_FOUND,
                          "host '%s' has no network '%s': network.list names those there are",
                          op->host_name, name);
    }
    if (network == NETWORK_ACTIVE) {
        return true;
    }
    AUTO(free) char *word = shell_word(name);
    if (op->plan.start) {
        return lodge_fail(
            &op->error, LODGE_ERROR_BAD_STATE,
            "network '%s' is not active, so '%s' could not start: start it with virsh "
            "net-start %s",
            name, op->plan.name, word);
    }
    AUTO(free)
    char *note = xasprintf("network '%s' is not active: before the VM can start, start it with "
                           "virsh net-start %s",
                           name, word);
    plan_note(&op->plan, note);
    return true;
}

/* What is taken when none is named: QEMU's own on an embedded host, else `default` if it is active,
 * else none, which is said. */
static bool choose_network(struct op *op, struct host_conn *conn)
{
    struct plan *plan = &op->plan;
    enum network_presence network = NETWORK_ABSENT;
    free(TAKE(plan->network));
    if (host_conn_traits(conn).is_embedded) {
        plan->network = xstrdup("user");
        return true;
    }
    if (!network_look_up(conn, "default", &network, &op->error)) {
        return false;
    }
    if (network == NETWORK_ACTIVE) {
        plan->network = xstrdup("default");
        return true;
    }
    free(TAKE(plan->mac));
    plan_note(plan,
              network == NETWORK_INACTIVE
                  ? "no network: 'default' is not active: start it with virsh net-start "
                    "default (and virsh net-autostart default), then make the VM again; "
                    "`network: null` says that it is to have none"
                  : "no network: the host has none called 'default': name one of network.list "
                    "(user is QEMU's own, for every host); `network: null` says that it is to "
                    "have none");
    return true;
}

static bool check_network(struct op *op, struct host_conn *conn)
{
    const char *network = op->plan.network;
    return network == NULL ||
           (network[0] == '\0' ? choose_network(op, conn) : check_named(op, conn));
}

/* Names that nobody else can have: the uuid in them is random. */
static void name_files(struct op *op)
{
    struct plan *plan = &op->plan;
    const struct storage_place *place = op_place(op);
    plan->pool = xstrdup(place->pool == NULL ? "" : place->pool);
    plan->dir = xstrdup(place->dir);
    for (size_t i = 0; i < plan->disks.count; i++) {
        struct plan_disk *disk = &plan->disks.items[i];
        disk->volume = xasprintf("%s-%zu.%s", op->uuid, i, disk->format);
        disk->path = storage_path(place, disk->volume);
    }
    plan->serial_log = xasprintf("%s-serial.log", op->uuid);
}

bool create_check(struct op *op, struct host_conn *conn)
{
    struct host_traits traits = host_conn_traits(conn);
    name_files(op);
    bool wants_library = op->plan.iso != NULL || op->plan.kernel != NULL;
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        wants_library |= op->plan.disks.items[i].image != NULL;
    }
    if (wants_library && !traits.is_local) {
        return lodge_fail(&op->error, LODGE_ERROR_UNSUPPORTED,
                          "host '%s' is another machine: it cannot read this library's images",
                          op->host_name);
    }
    for (size_t i = 0; i < op->plan.disks.count; i++) {
        if (!check_new_disk(op, &op->plan.disks.items[i])) {
            return false;
        }
    }
    if (!traits.is_local || traits.is_test) {
        free(TAKE(op->plan.serial_log)); /* nobody could read or remove the file */
    }
    return check_media(op) && check_network(op, conn);
}
