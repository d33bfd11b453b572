/* vm.create: what is asked for becomes a plan; the library and the host are asked by the recipe. */
#include "memory.h"
#include "refusals.h"
#include "rpc/names.h"
#include "rpc/op_request.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    VCPUS_MAX = 512,
    MEMORY_MIN_MIB = 16,
    MEMORY_MAX_MIB = 16777216,
    DISK_MAX_GIB = 65536,
    DISKS_MAX = 24, /* vda to vdx */
};

struct create_disk {
    int64_t size_gib;
    char *image;
    char *format;
    char *pool;
};

#define AT(member) .offset = offsetof(struct create_disk, member)
static const struct field disk_params[] = {
    {"size_gib", FIELD_INT, AT(size_gib), .required = true, .min = 1, .max = DISK_MAX_GIB,
     .help = "what the guest sees"},
    {"image", FIELD_STRING, AT(image), .min = 1, .max = 255, .help = "a name of image.list"},
    {"format", FIELD_STRING, AT(format), .min = 1, .max = 16, .help = "qcow2 (default) or raw"},
    {"pool", FIELD_STRING, AT(pool), .min = 1, .max = 255, .help = "lodge's own on that host"},
    {.type = FIELD_END},
};
#undef AT

struct vm_create {
    char *name;
    int64_t vcpus;
    int64_t memory_mib;
    struct {
        struct create_disk *items;
        size_t count;
    } disks;
    char *iso;
    char *kernel;
    char *network;
    char *graphics;
    char *firmware;
    struct lodge_strings boot;
    char *host;
    char *owner;
    struct lodge_strings tags;
    bool start;
    struct op_request_params request;
};

#define AT(member) .offset = offsetof(struct vm_create, member)
static const struct field create_params[] = {
    {"name", FIELD_STRING, AT(name), .required = true, .min = 1, .max = NAME_MAX_BYTES,
     .help = "letters, digits, . _ -; a uuid is none"},
    {"vcpus", FIELD_INT, AT(vcpus), .required = true, .min = 1, .max = VCPUS_MAX,
     .help = "virtual CPUs"},
    {"memory_mib", FIELD_INT, AT(memory_mib), .required = true, .min = MEMORY_MIN_MIB,
     .max = MEMORY_MAX_MIB, .help = "memory"},
    {"disks", FIELD_OBJECTS, AT(disks), .size = sizeof(struct create_disk), .fields = disk_params,
     .max = DISKS_MAX, .help = "new ones, in order: vda, vdb, …"},
    {"iso", FIELD_STRING, AT(iso), .nullable = true, .min = 1, .max = 255,
     .help = "a name of image.list, in its drive"},
    {"kernel", FIELD_STRING, AT(kernel), .nullable = true, .min = 1, .max = 255,
     .help = "a name of image.list: booted without a boot loader"},
    {"network", FIELD_STRING, AT(network), .null_is_empty = true, .min = 1, .max = 255,
     .help = "a name of network.list, or user; absent: the host's usual one, if there is one; "
             "null: none"},
    {"graphics", FIELD_STRING, AT(graphics), .min = 1, .max = 16, .help = "vnc (default) or none"},
    {"firmware", FIELD_STRING, AT(firmware), .min = 1, .max = 16, .help = "bios (default) or uefi"},
    {"boot", FIELD_STRINGS, AT(boot), .max = 3, .help = "disk, cdrom, network, in order"},
    {"host", FIELD_STRING, AT(host), .min = 1, .max = METHOD_TEXT_MAX, .help = "where"},
    {"owner", FIELD_STRING, AT(owner), .min = 1, .max = METHOD_TEXT_MAX,
     .help = "whose it is; admins only, else the caller's"},
    {"tags", FIELD_STRINGS, AT(tags), .max = TAGS_MAX, .help = "words of yours"},
    {"start", FIELD_BOOL, AT(start), .help = "true: start it too"},
    OP_REQUEST_FIELDS(struct vm_create),
    {.type = FIELD_END},
};
#undef AT

struct create_result {
    int64_t op;
    char *uuid;
    struct lodge_strings notes;
};

#define AT(member) .offset = offsetof(struct create_result, member)
static const struct field create_result[] = {
    {"op", FIELD_INT, AT(op), .help = "the operation's number"},
    {"uuid", FIELD_STRING, AT(uuid), .help = "of the VM that is being made"},
    {"notes", FIELD_STRINGS, AT(notes),
     .help = "with `wait`: what should be known of it, in words: that it has no network, and why"},
    {.type = FIELD_END},
};
#undef AT

static bool word_is_one_of(const char *value, const char *param, const char *first,
                           const char *second, struct lodge_error *err)
{
    return value == NULL || strcmp(value, first) == 0 || strcmp(value, second) == 0 ||
           lodge_fail_param(err, param, "'%s' must be %s or %s", param, first, second);
}

static bool create_check(const void *params, struct lodge_error *err)
{
    const struct vm_create *create = params;
    for (size_t i = 0; i < create->disks.count; i++) {
        if (!word_is_one_of(create->disks.items[i].format, "disks", "qcow2", "raw", err)) {
            return false;
        }
    }
    return name_is_fit(create->name, "name", err) &&
           word_is_one_of(create->graphics, "graphics", "vnc", "none", err) &&
           word_is_one_of(create->firmware, "firmware", "bios", "uefi", err) &&
           plain_is_fit(create->network, "network", err) && boot_is_fit(&create->boot, err) &&
           tags_are_fit(&create->tags, err);
}

static struct registry_host *choose_host(struct call *call, const char *name,
                                         struct lodge_error *err)
{
    struct registry *registry = call_services(call)->registry;
    struct registry_host *host = registry_first_host(registry);
    if (name != NULL) {
        host = registry_find_host(registry, name);
    } else if (host != NULL && host->next != NULL) {
        host = registry_find_host(registry, "local");
    }
    if (host == NULL && name != NULL) {
        snprintf(err->param, sizeof err->param, "host");
        (void)refuse_unknown_host(err, name);
        return NULL;
    }
    if (host == NULL) {
        (void)lodge_fail_param(err, "host",
                               "there are several hosts, so 'host' must say which; host.list names "
                               "those there are");
        return NULL;
    }
    if (host->facts.state != LODGE_HOST_UP) {
        err->since_ms = host->facts.since;
        (void)refuse_host_down(err, host->facts.name, host->facts.error);
        return NULL;
    }
    return host;
}

/* A name that a domain of somebody else has on that host; rows are the store's to compare. */
static bool name_is_free(struct call *call, const char *host, const char *name,
                         struct lodge_error *err)
{
    return !registry_name_is_taken(call_services(call)->registry, host, name) ||
           refuse_taken_name(err, host, name);
}

static char *make_mac(void)
{
    unsigned char bytes[3];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
        abort(); /* the kernel's random numbers never fail once it is up (getrandom(2)) */
    }
    return xasprintf("52:54:00:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2]);
}

static void plan_disks(struct plan *plan, const struct vm_create *create)
{
    plan->disks.items = xcalloc(create->disks.count, sizeof *plan->disks.items);
    plan->disks.count = create->disks.count;
    for (size_t i = 0; i < create->disks.count; i++) {
        const struct create_disk *from = &create->disks.items[i];
        plan->disks.items[i] = (struct plan_disk){
            .target = xasprintf("vd%c", (char)('a' + i)),
            .format = xstrdup(from->format == NULL ? "qcow2" : from->format),
            .size_gib = from->size_gib,
            .old_gib = LODGE_UNKNOWN,
            .image = xstrdup_or_null(from->image),
            .pool = xstrdup_or_null(from->pool),
            .ours = true,
        };
    }
}

static void make_plan(struct plan *plan, const struct vm_create *create, uid_t owner)
{
    bool no_network = create->network != NULL && create->network[0] == '\0';
    plan_init(plan);
    plan->name = xstrdup(create->name);
    plan->owner = owner;
    plan->vcpus = create->vcpus;
    plan->memory_mib = create->memory_mib;
    plan->iso = xstrdup_or_null(create->iso);
    plan->kernel = xstrdup_or_null(create->kernel);
    if (!no_network) {
        plan->network = xstrdup(create->network == NULL ? "" : create->network);
        plan->mac = make_mac();
    }
    plan->graphics = xstrdup(create->graphics == NULL ? "vnc" : create->graphics);
    plan->uefi = create->firmware != NULL && strcmp(create->firmware, "uefi") == 0;
    plan->start = create->start;
    strings_copy(&plan->boot, &create->boot);
    strings_copy(&plan->tags, &create->tags);
    plan_disks(plan, create);
}

/* A creation that waits for its owner's uid. */
struct creation {
    struct call *call;
    struct vm_create params; /* its members moved here from the call's */
};

static void create_for(struct call *call, const struct vm_create *create, uid_t owner)
{
    struct lodge_error err = {0};
    struct plan plan;
    struct registry_host *host = choose_host(call, create->host, &err);
    if (host == NULL) {
        call_fail(call, &err);
        return;
    }
    call_set_target(call, host->facts.name, create->name);
    if (create->request.request_id == NULL &&
        !name_is_free(call, host->facts.name, create->name, &err)) {
        call_fail(call, &err);
        return;
    }
    make_plan(&plan, create, owner);
    op_request_submit_new(call, create, host->facts.name, &plan);
}

static void owner_found(void *data, const uid_t *uid, const struct lodge_error *error)
{
    struct creation *creation = data;
    if (uid == NULL) {
        call_fail(creation->call, error);
    } else {
        create_for(creation->call, &creation->params, *uid);
    }
    fields_clear(create_params, &creation->params);
    free(creation);
}

static void create_run(struct call *call, const void *params)
{
    const struct vm_create *create = params;
    struct viewer viewer = call_viewer(call);
    struct lodge_error err = {0};
    if (create->owner == NULL) {
        create_for(call, create, viewer.uid);
        return;
    }
    if (viewer.role != ROLE_ADMIN) {
        (void)lodge_fail(&err, LODGE_ERROR_DENIED, "only admins may make VMs of somebody else");
        call_fail(call, &err);
        return;
    }
    struct creation *creation = xcalloc(1, sizeof *creation);
    creation->call = call;
    /* The table reads back what it wrote: a copy that outlives the call's. */
    struct buffer text = {0};
    fields_write(&text, create_params, FIELD_MASK_ALL, create);
    if (!fields_read_text(buffer_text(&text), create_params, &creation->params, &err)) {
        call_fail(call, &err);
        free(creation);
    } else {
        struct people *people = registry_people(call_services(call)->registry);
        people_find(people, creation->params.owner, "owner", owner_found, creation);
    }
    buffer_free(&text);
}

const struct method create_methods[] = {
    {
        .name = "vm.create",
        .access = ACCESS_USER,
        .mutates = true,
        .params = create_params,
        .params_size = sizeof(struct vm_create),
        .result = create_result,
        .check = create_check,
        .run = create_run,
        .help = "Makes a VM with its disks, whole or not at all.",
    },
    {0},
};
