/*
 * config_keys: the table itself, the defaults that depend on who runs lodged, and look-ups by
 * section and name. How a type of value is read and written is in config_values.c. Constant.
 */
#include "config_keys.h"

#include "buffer.h"
#include "memory.h"
#include "paths.h"
#include "scope.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- defaults that depend on who runs lodged ------------------------------------------------- */

static char *find_socket(void)
{
    return path_daemon_socket(geteuid());
}

static char *find_state_dir(void)
{
    return path_state_dir(geteuid());
}

static char *find_image_dirs(void)
{
    return path_images_dir(geteuid());
}

static char *find_socket_mode(void)
{
    return xstrdup(geteuid() == 0 ? "0660" : "0600");
}

/* Packages make the group; a plain `make install` may not have. */
static char *find_socket_group(void)
{
    return xstrdup(geteuid() == 0 && config_group_exists("lodge") ? "lodge" : "none");
}

/* --- the table -------------------------------------------------------------------------------- */

static const char *const roles[] = {
    [DEFAULT_ROLE_USER] = "user",
    [DEFAULT_ROLE_VIEWER] = "viewer",
    [DEFAULT_ROLE_NONE] = "none",
    NULL,
};

static const char *const formats[] = {
    [LOG_FORMAT_AUTO] = "auto",
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_JOURNAL] = "journal",
    NULL,
};

#define QUOTA(scope, key, place, text)                                              \
    {                                                                               \
        .section = (scope), .name = (key), .type = KEY_LIMIT,                       \
        .offset = offsetof(struct config, place), .preset = "none", .help = (text), \
    }

const struct config_key config_keys[] = {
    {
        .section = "daemon",
        .name = "socket",
        .type = KEY_PATH,
        .offset = offsetof(struct config, socket),
        .preset = "/run/lodge/lodged.sock; a user's own daemon: $XDG_RUNTIME_DIR/lodge/lodged.sock",
        .find_preset = find_socket,
        .help = "The Unix socket that clients connect to.",
    },
    {
        .section = "daemon",
        .name = "socket_mode",
        .type = KEY_MODE,
        .offset = offsetof(struct config, socket_mode),
        .preset = "0660; a user's own daemon: 0600",
        .find_preset = find_socket_mode,
        .help = "Its permissions, in octal: who may connect at all.",
    },
    {
        .section = "daemon",
        .name = "socket_group",
        .type = KEY_GROUP,
        .offset = offsetof(struct config, socket_group),
        .preset = "lodge, if there is such a group; a user's own daemon: none",
        .find_preset = find_socket_group,
        .help = "The group that owns the socket; none leaves it alone.",
    },
    {
        .section = "daemon",
        .name = "default_role",
        .type = KEY_CHOICE,
        .offset = offsetof(struct config, default_role),
        .choices = roles,
        .preset = "user",
        .reloadable = true,
        .help =
            "What somebody without a role of their own is: user sees their own VMs, viewer sees "
            "all and changes nothing, none is turned away.",
    },
    {
        .section = "daemon",
        .name = "admin_group",
        .type = KEY_GROUP,
        .offset = offsetof(struct config, admin_group),
        .preset = "none",
        .reloadable = true,
        .help = "Members of this group are admins, as root and lodged's own user are.",
    },
    {
        .section = "daemon",
        .name = "state_dir",
        .type = KEY_PATH,
        .offset = offsetof(struct config, state_dir),
        .preset = "/var/lib/lodge; a user's own daemon: ~/.local/state/lodge",
        .find_preset = find_state_dir,
        .help = "Where the database and its lock are.",
    },
    {
        .section = "daemon",
        .name = "log_level",
        .type = KEY_LEVELS,
        .offset = offsetof(struct config, log_level),
        .preset = "info",
        .reloadable = true,
        .help = "error, warning, info or debug, for all or by folder: info,host=debug.",
    },
    {
        .section = "daemon",
        .name = "log_format",
        .type = KEY_CHOICE,
        .offset = offsetof(struct config, log_format),
        .choices = formats,
        .preset = "auto",
        .help = "text goes to stderr, journal to journald with a field per fact; auto takes the "
                "journal when systemd started lodged.",
    },
    {
        .section = "host",
        .name = "uri",
        .type = KEY_URI,
        .offset = offsetof(struct host_config, uri),
        .help = "How libvirt reaches the host called NAME. Without any host section it is one, "
                "local, at qemu:///system.",
    },
    {
        .section = "host",
        .name = "pool",
        .type = KEY_WORD,
        .offset = offsetof(struct host_config, pool),
        .preset = "lodge",
        .host_default = true,
        .help = "The storage pool that new disks go to; it is made where it is not there.",
    },
    {
        .section = "host",
        .name = "dir",
        .type = KEY_PATH,
        .offset = offsetof(struct host_config, dir),
        .preset = "/var/lib/libvirt/images/lodge; other drivers: the user's data folder, or the "
                  "embedded driver's root",
        .host_default = true,
        .help = "Where that pool is.",
    },
    {
        .section = "images",
        .name = "dirs",
        .type = KEY_PATHS,
        .offset = offsetof(struct config, image_dirs),
        .preset = "/srv/lodge/images; a user's own daemon: ~/.local/share/lodge/images",
        .find_preset = find_image_dirs,
        .help = "Directories of disk images, ISOs and kernels that VMs may be made from, by name.",
    },
    QUOTA("quota", "vms", quota.vms, "How many VMs all users together may have."),
    QUOTA("quota", "vcpus", quota.vcpus, "Their virtual CPUs."),
    QUOTA("quota", "memory_mib", quota.memory_mib, "Their memory."),
    QUOTA("quota", "disk_gib", quota.disk_gib, "Their disks."),
    QUOTA("quota_user", "vms", quota_user.vms,
          "How many VMs a user may have who has no limits of their own."),
    QUOTA("quota_user", "vcpus", quota_user.vcpus, "Their virtual CPUs."),
    QUOTA("quota_user", "memory_mib", quota_user.memory_mib, "Their memory."),
    QUOTA("quota_user", "disk_gib", quota_user.disk_gib, "Their disks."),
    {
        .section = "console",
        .name = "listen",
        .type = KEY_LISTEN,
        .offset = offsetof(struct config, console.listen),
        .preset = "127.0.0.1:6080",
        .help = "Where browsers are answered, ADDR:PORT; off: nowhere.",
    },
    {
        .section = "console",
        .name = "novnc_dir",
        .type = KEY_PATH,
        .offset = offsetof(struct config, console.novnc_dir),
        .preset = "/usr/share/novnc",
        .help = "noVNC, whose core/ the page uses.",
    },
    {
        .section = "console",
        .name = "ticket_ttl_s",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, console.limits.ticket_ttl_s),
        .min = 1,
        .max = 600,
        .preset = "30",
        .reloadable = true,
        .help = "Seconds that the link to a screen is good for.",
    },
    {
        .section = "console",
        .name = "idle_s",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, console.limits.idle_s),
        .min = 0,
        .max = 86400,
        .preset = "900",
        .reloadable = true,
        .help = "Seconds without input that end a session which may type; 0: none.",
    },
    {
        .section = "console",
        .name = "max_s",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, console.limits.max_s),
        .min = 0,
        .max = 604800,
        .preset = "14400",
        .reloadable = true,
        .help = "Seconds that a session may last; 0: any.",
    },
    {
        .section = "console",
        .name = "per_user",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, console.limits.per_user),
        .min = 0,
        .max = 1000,
        .preset = "8",
        .reloadable = true,
        .help = "Sessions that a user may have; 0: any number.",
    },
    {
        .section = "console",
        .name = "per_vm",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, console.limits.per_vm),
        .min = 0,
        .max = 1000,
        .preset = "4",
        .reloadable = true,
        .help = "Sessions that a VM may have; 0: any number.",
    },
    {
        .section = "console",
        .name = "origins",
        .type = KEY_WORDS,
        .offset = offsetof(struct config, console.origins),
        .preset = "none",
        .reloadable = true,
        .help = "Pages of others that may open screens, as SCHEME://NAME:PORT.",
    },
    {
        .section = "console",
        .name = "hosts",
        .type = KEY_WORDS,
        .offset = offsetof(struct config, console.hosts),
        .preset = "none",
        .reloadable = true,
        .help = "Names that browsers may know lodged by, NAME or NAME:PORT.",
    },
    {
        .section = "console",
        .name = "public_url",
        .type = KEY_ADDRESS,
        .offset = offsetof(struct config, console.public_url),
        .preset = "none",
        .reloadable = true,
        .help = "The address that browsers have for lodged, where it is behind a reverse proxy: "
                "links begin with it, and pages of its name are lodged's own.",
    },
    {
        .section = "console",
        .name = "tls_cert",
        .type = KEY_FILE,
        .offset = offsetof(struct config, console.tls_cert),
        .preset = "none",
        .help = "The certificate with its chain, PEM; a reload reads it again.",
    },
    {
        .section = "console",
        .name = "tls_key",
        .type = KEY_FILE,
        .offset = offsetof(struct config, console.tls_key),
        .preset = "none",
        .help = "Its key, PEM.",
    },
    {
        .section = "operations",
        .name = "keep_days",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, op_keep_days),
        .min = 1,
        .max = 3650,
        .preset = "7",
        .help = "Days that operations which ended are kept, with their steps.",
    },
    {
        .section = "operations",
        .name = "per_hour",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, ops_per_hour),
        .min = 1,
        .max = 1000000,
        .preset = "1000",
        .reloadable = true,
        .help = "Operations that a user may begin within an hour; admins as many as they like.",
    },
    {
        .section = "audit",
        .name = "keep_days",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, audit_keep_days),
        .min = 1,
        .max = 36500,
        .preset = "90",
        .help = "Days that it is kept who called what.",
    },
    {
        .section = "sync",
        .name = "parallel",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, host.sync_parallel),
        .min = 1,
        .max = 4,
        .preset = "4",
        .help = "How many domains of a host are read at once; libvirtd serves five calls a client.",
    },
    {
        .section = "sync",
        .name = "interval_s",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, host.sync_interval_s),
        .min = 1,
        .max = 3600,
        .preset = "30",
        .help = "Seconds between two safety syncs, which find what events did not tell.",
    },
    {
        .section = "stats",
        .name = "interval_s",
        .type = KEY_SECONDS,
        .offset = offsetof(struct config, host.stats_interval_ms),
        .min = 200,
        .max = 60000,
        .preset = "1",
        .help = "Seconds between two samples of a running VM.",
    },
    {
        .section = "stats",
        .name = "deadline_ms",
        .type = KEY_NUMBER,
        .offset = offsetof(struct config, host.stats_deadline_ms),
        .min = 300,
        .max = 60000,
        .preset = "300",
        .help = "Milliseconds after which a sampling call counts as lost, at the least.",
    },
};
const size_t config_key_count = ARRAY_LENGTH(config_keys);

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0 &&
            strcmp(config_keys[i].name, name) == 0) {
            return &config_keys[i];
        }
    }
    return NULL;
}

bool config_section_exists(const char *section)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0) {
            return true;
        }
    }
    return false;
}

char *config_section_words(const char *section)
{
    struct buffer words = {0};
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0) {
            buffer_add_format(&words, "%s%s", words.length == 0 ? "" : ", ", config_keys[i].name);
        }
    }
    return buffer_take(&words);
}

char *config_sections(void)
{
    struct buffer words = {0};
    const char *section = "";
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) != 0) {
            section = config_keys[i].section;
            buffer_add_format(&words, "%s[%s%s]", i == 0 ? "" : ", ", section,
                              strcmp(section, "host") == 0 ? " NAME" : "");
        }
    }
    return buffer_take(&words);
}
