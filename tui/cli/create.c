/* create: `lodge create NAME …`, `lodge set VM …`, `lodge media VM …`: flags become parameters, and
 * what became of them is said beside the result. */
#include "cli/asking.h"
#include "cli/print.h"
#include "cli/room.h"
#include "cli/wish.h"
#include "memory.h"
#include "units.h"
#include "usual.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct json_object *, json_object_put, NULL);

/* Sends what is wished for, and says how that went. `ret_uuid` is of the VM that was made, "" where
 * the result has none; NULL: nobody wants to know. */
static bool send_wish(const struct command *command, struct lodge_client *client, struct wish *wish,
                      char ret_uuid[37], struct lodge_error *err)
{
    struct asking asking = {.subject = command->argv[0], .params = TAKE(wish->params)};
    bool good = asking_all(command, client, &asking, 1, err);
    if (ret_uuid != NULL && asking.result != NULL) {
        AUTO(json_object_put) struct json_object *json = json_tokener_parse(asking.result);
        const char *uuid = json_object_get_string(json_object_object_get(json, "uuid"));
        snprintf(ret_uuid, 37, "%s", uuid == NULL ? "" : uuid);
    }
    struct lodge_error failed = {0};
    bool done = asking_end(command, &asking, 1, &failed);
    if (good && !done) {
        *err = failed;
    }
    return good && done;
}

static void say_notes_of(const struct command *command, const struct wish *wish)
{
    for (size_t i = 0; !command->json && i < wish->notes.count; i++) {
        print_text(stdout, "%s: %s\n", command->argv[0], wish->notes.items[i]);
    }
}

/* What it has become, as lodged tells it: "web: 1 vCPU, 1024 MiB of memory, vda 10 GiB". */
static void say_made(const struct command *command, struct lodge_client *client, const char *uuid)
{
    struct lodge_vm vm;
    struct lodge_error ignored = {0}; /* it was made, and may be gone already */
    AUTO(json_object_put) struct json_object *params = json_object_new_object();
    json_object_object_add(params, "vm", json_object_new_string(uuid));
    AUTO(free)
    char *result = lodge_client_call_wait(
        client, "vm.get", json_object_to_json_string_ext(params, JSON_C_TO_STRING_PLAIN),
        COMMAND_ANSWER_MS, &ignored);
    if (result == NULL || !lodge_vm_from_json(result, &vm, &ignored)) {
        return;
    }
    print_text(stdout, "%s: %" PRId64 " vCPU%s, %" PRId64 " MiB of memory", command->argv[0],
               vm.vcpus, vm.vcpus == 1 ? "" : "s", vm.memory_mib);
    for (size_t i = 0; i < vm.disks.count; i++) {
        const struct lodge_disk *disk = &vm.disks.items[i];
        if (disk->size_gib >= 0) {
            print_text(stdout, ", %s %" PRId64 " GiB", disk->target, disk->size_gib);
        }
    }
    fputc('\n', stdout);
    lodge_vm_clear(&vm);
}

/* --image: what the first disk is a copy of; without one, it is one. */
static bool add_image(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    const char *image = command_value(command, "--image");
    struct json_object *disks = json_object_object_get(wish->params, "disks");
    if (image == NULL) {
        return true;
    }
    if (disks == NULL) {
        disks = json_object_new_array();
        json_object_array_add(disks, json_object_new_object());
        json_object_object_add(wish->params, "disks", disks);
    }
    struct json_object *first = json_object_array_get_idx(disks, 0);
    if (json_object_object_get(first, "image") != NULL) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "--image %s: the first --disk says already what it is made from", image);
    }
    json_object_object_add(first, "image", json_object_new_string(image));
    return true;
}

/* What nobody has said. The contract leaves it to whoever asks. */
static void add_defaults(struct wish *wish)
{
    int64_t memory = 0;
    bool lacks_vcpus = json_object_object_get(wish->params, "vcpus") == NULL;
    bool lacks_memory = json_object_object_get(wish->params, "memory_mib") == NULL;
    if (lacks_vcpus) {
        json_object_object_add(wish->params, "vcpus",
                               json_object_new_int64(strtoll(USUAL_VCPUS, NULL, 10)));
    }
    if (lacks_memory && size_from_text(USUAL_MEMORY, &memory)) {
        json_object_object_add(wish->params, "memory_mib", json_object_new_int64(memory));
    }
    if (lacks_vcpus || lacks_memory) {
        wish_note(wish, "by default %s%s%s", lacks_vcpus ? "--cpus " USUAL_VCPUS : "",
                  lacks_vcpus && lacks_memory ? ", " : "",
                  lacks_memory ? "--memory " USUAL_MEMORY : "");
    }
}

/* A disk whose size nobody has said is the usual one, or as large as its image. */
static void add_disk_sizes(struct lodge_client *client, struct wish *wish)
{
    struct json_object *disks = json_object_object_get(wish->params, "disks");
    for (size_t i = 0; disks != NULL && i < json_object_array_length(disks); i++) {
        struct json_object *disk = json_object_array_get_idx(disks, i);
        struct json_object *image = json_object_object_get(disk, "image");
        int64_t gib = 0;
        if (json_object_object_get(disk, "size_gib") != NULL || image == NULL ||
            !disk_size_from_text(USUAL_DISK, &gib)) {
            continue;
        }
        const char *name = json_object_get_string(image);
        int64_t least = room_for_image(client, name);
        gib = least > gib ? least : gib;
        json_object_object_add(disk, "size_gib", json_object_new_int64(gib));
        wish_note(wish, "by default a disk of %" PRId64 " GiB for image '%s'", gib, name);
    }
}

static bool read_creation(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    static const struct {
        const char *flag, *name;
    } texts[] = {
        {"--iso", "iso"},           {"--kernel", "kernel"}, {"--graphics", "graphics"},
        {"--firmware", "firmware"}, {"--host", "host"},     {"--owner", "owner"},
    };
    const char *network = command_value(command, "--network");
    json_object_object_add(wish->params, "name", json_object_new_string(command->argv[0]));
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        wish_text(command, wish, texts[i].flag, texts[i].name);
    }
    if (network != NULL && strcmp(network, "none") == 0) {
        json_object_object_add(wish->params, "network", NULL);
    } else {
        wish_text(command, wish, "--network", "network");
    }
    wish_words(command, wish, "--boot", "boot");
    wish_words(command, wish, "--tag", "tags");
    if (command_has(command, "--start")) {
        json_object_object_add(wish->params, "start", json_object_new_boolean(true));
    }
    return wish_amounts(command, wish, err) && wish_disks(command, wish, err) &&
           add_image(command, wish, err);
}

static bool create_over(const struct command *command, struct lodge_client *client,
                        struct wish *wish, struct lodge_error *err)
{
    char uuid[37] = "";
    const char *host = command_value(command, "--host");
    add_defaults(wish);
    add_disk_sizes(client, wish);
    AUTO(json_object_put)
    struct json_object *disks = json_object_get(json_object_object_get(wish->params, "disks"));
    bool waits = !command_has(command, "--no-wait");
    bool is_weighed = command->json || room_weigh(client, host, disks, command->argv[0]);
    if (!send_wish(command, client, wish, uuid, err)) {
        return false;
    }
    if (waits && !command->json) {
        say_made(command, client, uuid);
    }
    say_notes_of(command, wish);
    if (waits && !is_weighed) { /* the pool was made with its first volume */
        (void)room_weigh(client, host, disks, command->argv[0]);
    }
    return true;
}

bool run_create(const struct command *command, struct lodge_error *err)
{
    struct wish wish;
    wish_init(&wish);
    bool good = read_creation(command, &wish, err);
    AUTO(lodge_client_close)
    struct lodge_client *client = good ? command_connect(command, err) : NULL;
    good = client != NULL && create_over(command, client, &wish, err);
    wish_done(&wish);
    return good;
}

static bool add_autostart(const struct command *command, struct wish *wish, struct lodge_error *err)
{
    const char *text = command_value(command, "--autostart");
    if (text == NULL) {
        return true;
    }
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "--autostart %s: expected on or off", text);
    }
    json_object_object_add(wish->params, "autostart", json_object_new_boolean(on));
    return true;
}

/* What was read of a call goes to lodged, if it was good. */
static bool send_alone(const struct command *command, struct wish *wish, bool good,
                       struct lodge_error *err)
{
    AUTO(lodge_client_close)
    struct lodge_client *client = good ? command_connect(command, err) : NULL;
    good = client != NULL && send_wish(command, client, wish, NULL, err);
    if (good) {
        say_notes_of(command, wish);
    }
    wish_done(wish);
    return good;
}

bool run_set(const struct command *command, struct lodge_error *err)
{
    if (command->option_count == 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "set wants to know what is to change");
    }
    struct wish wish;
    wish_init(&wish);
    json_object_object_add(wish.params, "vm", json_object_new_string(command->argv[0]));
    wish_text(command, &wish, "--name", "name");
    wish_words(command, &wish, "--boot", "boot");
    wish_words(command, &wish, "--tag", "tags");
    bool good = wish_amounts(command, &wish, err) && add_autostart(command, &wish, err) &&
                wish_growth(command, &wish, err);
    return send_alone(command, &wish, good, err);
}

bool run_media(const struct command *command, struct lodge_error *err)
{
    bool ejects = command_has(command, "--eject");
    if (ejects == (command->argc > 1)) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "media wants the name of an ISO, or --eject");
    }
    struct wish wish;
    wish_init(&wish);
    json_object_object_add(wish.params, "vm", json_object_new_string(command->argv[0]));
    wish_text(command, &wish, "--target", "target");
    json_object_object_add(wish.params, "iso",
                           ejects ? NULL : json_object_new_string(command->argv[1]));
    return send_alone(command, &wish, true, err);
}
