/* act_vm: what is done to guests: by a key on the one under the cursor, and by `:create`. */
#include "act.h"

#include "memory.h"
#include "scope.h"
#include "units.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB_PER_GIB = 1024 };

/* In the order of enum change. The question has the guest's name in its middle. */
static const struct {
    const char *method;
    const char *verb;
    enum ask_weight weight;
    const char *before;
    const char *after;
} changes[CHANGES] = {
    [CHANGE_START] = {"vm.start", "start", ASK_LIGHT, "", ""},
    [CHANGE_SHUTDOWN] = {"vm.shutdown", "shut down", ASK_PLAIN, "Shut down ", "? y/N"},
    [CHANGE_REBOOT] = {"vm.reboot", "reboot", ASK_PLAIN, "Reboot ", "? y/N"},
    [CHANGE_PAUSE] = {"vm.pause", "pause", ASK_PLAIN, "Pause ", "? y/N"},
    [CHANGE_SAVE] = {"vm.save", "save", ASK_PLAIN, "Save ", " and shut it off? y/N"},
    [CHANGE_STOP] = {"vm.stop", "force off", ASK_HEAVY, "Force off ",
                     "? What its guest has not written is lost. Y (capital) / N"},
    [CHANGE_DELETE] = {"vm.delete", "delete", ASK_FINAL, "", ""},
};

enum { MANY = 10 }; /* of more than that, the number must be typed */

/* "Delete web (running) for good, with 2 disks of 30G?", as far as its details are known. */
static void question_of_deletion(const struct desk *desk, const struct lodge_vm *vm, char *ret_text,
                                 size_t size)
{
    const struct lodge_vm *detail = &desk->model.detail;
    int64_t sum = 0;
    size_t ours = 0;
    char figure[UNIT_TEXT];

    for (size_t i = 0; strcmp(detail->uuid, vm->uuid) == 0 && i < detail->disks.count; i++) {
        if (detail->disks.items[i].ours == LODGE_FLAG_YES) {
            ours++;
            sum += detail->disks.items[i].size_gib > 0 ? detail->disks.items[i].size_gib : 0;
        }
    }
    snprintf(ret_text, size,
             "Delete %s (%s) for good, with %zu disk%s of %s? Type its name:", vm->name,
             lodge_vm_state_name(vm->state), ours, ours == 1 ? "" : "s",
             size_text(figure, sum * MIB_PER_GIB));
}

static unsigned ask_or_send(struct desk *desk, const struct lodge_vm *vm, enum change change)
{
    struct prompt *prompt = &desk->state.prompt;
    struct ask *ask = &desk->ask;
    char names[96];

    if (ask->vm_count > MANY) {
        ask->weight = ASK_FINAL;
    }
    if (ask->vm_count == 1) {
        snprintf(names, sizeof(names), "%s", vm->name);
    } else {
        snprintf(names, sizeof(names), "%zu VMs", ask->vm_count);
    }
    switch (ask->weight) {
    case ASK_LIGHT:
        desk_say(desk, ROLE_DIM, "%s …", ask->what);
        return ACT_DRAW | ACT_ASK;
    case ASK_PLAIN:
    case ASK_HEAVY:
        prompt_open(prompt, PROMPT_YES, "");
        snprintf(prompt->label, sizeof(prompt->label), "%s%s%s", changes[change].before, names,
                 changes[change].after);
        return ACT_DRAW;
    case ASK_FINAL:
        prompt_open(prompt, PROMPT_NAME, "");
        if (ask->vm_count == 1) {
            snprintf(ask->word, sizeof(ask->word), "%s", vm->name);
            question_of_deletion(desk, vm, prompt->label, sizeof(prompt->label));
        } else {
            snprintf(ask->word, sizeof(ask->word), "%s", ask->what);
            snprintf(prompt->label, sizeof(prompt->label),
                     "That is %zu VMs. Type \"%s\":", ask->vm_count, ask->word);
        }
        return ACT_DRAW;
    }
    return ACT_DRAW;
}

/* Those that are marked, in view or not, else the one under the cursor. */
static void choose(struct desk *desk, const struct model_row *selected)
{
    for (size_t i = 0; i < desk->model.count; i++) {
        const struct model_row *row = desk->model.rows[i];
        if (row->marked && row->gone_ms == 0) {
            ask_add(&desk->ask, row->vm.host, row->vm.uuid);
        }
    }
    if (desk->ask.vm_count == 0) {
        ask_add(&desk->ask, selected->vm.host, selected->vm.uuid);
    }
}

unsigned act_change(struct desk *desk, const struct command *command, const char *argument)
{
    const struct model_row *row = list_selected(&desk->state.list);
    enum change change = (enum change)command->amount;
    struct ask *ask = &desk->ask;

    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    ask_done(ask);
    choose(desk, row);
    bool resumes = change == CHANGE_START && ask->vm_count == 1 && row->vm.state == LODGE_VM_PAUSED;
    ask->method = resumes ? "vm.resume" : changes[change].method;
    ask->weight = changes[change].weight;
    ask->params = json_object_new_object();
    if (ask->vm_count == 1) {
        snprintf(ask->what, sizeof(ask->what), "%s %s", resumes ? "resume" : changes[change].verb,
                 row->vm.name);
    } else {
        snprintf(ask->what, sizeof(ask->what), "%s %zu", changes[change].verb, ask->vm_count);
    }
    return ask_or_send(desk, &row->vm, change);
}

unsigned act_mark(struct desk *desk, const struct command *command, const char *argument)
{
    struct model_row *row = list_selected(&desk->state.list);

    (void)command;
    (void)argument;
    if (row == NULL) {
        return ACT_NOTHING;
    }
    row->marked = !row->marked;
    list_move(&desk->state.list, 1, desk->model.now_ms);
    return ACT_DRAW;
}

unsigned act_unmark(struct desk *desk, const struct command *command, const char *argument)
{
    (void)command;
    (void)argument;
    for (size_t i = 0; i < desk->model.count; i++) {
        desk->model.rows[i]->marked = false;
    }
    return ACT_DRAW;
}

/* :create NAME CPUS MEMORY [DISK] [iso=… kernel=… image=… network=… start] */

struct wish {
    char name[80];
    int64_t vcpus, memory_mib, disk_gib;
    const char *words[8]; /* the rest, in the copy that is read */
    size_t word_count;
};

static bool wish_read(char *line, struct wish *ret_wish)
{
    char *rest = line;
    char *parts[12];
    size_t count = 0;
    int64_t mib = 0;

    for (char *word; count < ARRAY_LENGTH(parts) && (word = strsep(&rest, " ")) != NULL;) {
        if (word[0] != '\0') {
            parts[count++] = word;
        }
    }
    *ret_wish = (struct wish){0};
    if (count < 3 || !size_from_text(parts[2], &ret_wish->memory_mib)) {
        return false;
    }
    snprintf(ret_wish->name, sizeof(ret_wish->name), "%s", parts[0]);
    ret_wish->vcpus = strtoll(parts[1], NULL, 10);
    bool has_disk = count > 3 && size_from_text(parts[3], &mib);
    ret_wish->disk_gib = has_disk ? (mib + MIB_PER_GIB - 1) / MIB_PER_GIB : 0;
    for (size_t i = has_disk ? 4 : 3; i < count && ret_wish->word_count < 8; i++) {
        ret_wish->words[ret_wish->word_count++] = parts[i];
    }
    return ret_wish->vcpus > 0;
}

static bool word_apply(const char *word, struct json_object *params, struct json_object *disk)
{
    static const char *const known[] = {"iso", "kernel", "network", "graphics", "firmware", "host"};
    const char *equals = strchr(word, '=');

    if (strcmp(word, "start") == 0) {
        json_object_object_add(params, "start", json_object_new_boolean(true));
        return true;
    }
    if (equals == NULL) {
        return false;
    }
    AUTO(free) char *name = xstrndup(word, (size_t)(equals - word));
    if (strcmp(word, "network=none") == 0) {
        json_object_object_add(params, "network", NULL);
        return true;
    }
    if (strcmp(name, "image") == 0 && disk != NULL) {
        json_object_object_add(disk, "image", json_object_new_string(equals + 1));
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(name, known[i]) == 0) {
            json_object_object_add(params, name, json_object_new_string(equals + 1));
            return true;
        }
    }
    return false;
}

static bool wish_apply(const struct wish *wish, struct json_object *params, const char **ret_word)
{
    struct json_object *disk = NULL;

    json_object_object_add(params, "name", json_object_new_string(wish->name));
    json_object_object_add(params, "vcpus", json_object_new_int64(wish->vcpus));
    json_object_object_add(params, "memory_mib", json_object_new_int64(wish->memory_mib));
    if (wish->disk_gib > 0) {
        struct json_object *disks = json_object_new_array();
        disk = json_object_new_object();
        json_object_object_add(disk, "size_gib", json_object_new_int64(wish->disk_gib));
        json_object_array_add(disks, disk);
        json_object_object_add(params, "disks", disks);
    }
    for (size_t i = 0; i < wish->word_count; i++) {
        if (!word_apply(wish->words[i], params, disk)) {
            *ret_word = wish->words[i];
            return false;
        }
    }
    return true;
}

unsigned act_create(struct desk *desk, const struct command *command, const char *argument)
{
    struct wish wish;
    const char *word = NULL;

    (void)command;
    if (argument == NULL) {
        prompt_open(&desk->state.prompt, PROMPT_COMMAND, "create ");
        desk_say(desk, ROLE_DIM, "NAME CPUS MEMORY [DISK] [iso= kernel= image= network= start]");
        return ACT_DRAW;
    }
    AUTO(free) char *line = xstrdup(argument);
    if (!wish_read(line, &wish)) {
        desk_say(desk, ROLE_WARN,
                 "expected a name, a number of CPUs and memory: web 2 1G 10G start");
        return ACT_DRAW;
    }
    ask_done(&desk->ask);
    desk->ask.method = "vm.create";
    desk->ask.params = json_object_new_object();
    snprintf(desk->ask.what, sizeof(desk->ask.what), "create %s", wish.name);
    if (!wish_apply(&wish, desk->ask.params, &word)) {
        desk_say(desk, ROLE_WARN, "'%s' is nothing that create takes", word);
        ask_done(&desk->ask);
        return ACT_DRAW;
    }
    desk_say(desk, ROLE_DIM, "%s …", desk->ask.what);
    return ACT_DRAW | ACT_ASK;
}

/* "vcpus 5/8": what there would be, and whether it fits. */
static bool weigh(char *text, size_t size, const char *resource, int64_t promised, int64_t more,
                  int64_t limit)
{
    size_t length = strlen(text);
    bool fits = limit < 0 || more <= 0 || promised + more <= limit;

    if (limit >= 0) {
        snprintf(text + length, size - length, "  %s %lld/%lld%s", resource,
                 (long long)(promised + more), (long long)limit, fits ? "" : "!");
    }
    return fits;
}

static bool weigh_scope(char *text, size_t size, const char *scope, const struct lodge_quota *quota,
                        const struct wish *wish)
{
    size_t length = strlen(text);
    size_t before;

    snprintf(text + length, size - length, "%s%s:", length > 0 ? "   " : "", scope);
    before = strlen(text);
    bool fits = weigh(text, size, "VMs", quota->promised.vms, 1, quota->limits.vms);
    fits &= weigh(text, size, "vCPUs", quota->promised.vcpus, wish->vcpus, quota->limits.vcpus);
    fits &= weigh(text, size, "MiB", quota->promised.memory_mib, wish->memory_mib,
                  quota->limits.memory_mib);
    fits &=
        weigh(text, size, "GiB", quota->promised.disk_gib, wish->disk_gib, quota->limits.disk_gib);
    if (strlen(text) == before) {
        snprintf(text + before, size - before, " no limits");
    }
    return fits;
}

void ask_weigh(struct desk *desk, const char *line)
{
    static const char create[] = "create ";
    struct wish wish;
    char text[256] = "";

    if (strncmp(line, create, sizeof(create) - 1) != 0 || !desk->model.quota.known) {
        return;
    }
    AUTO(free) char *copy = xstrdup(line + sizeof(create) - 1);
    if (!wish_read(copy, &wish)) {
        return;
    }
    bool fits = weigh_scope(text, sizeof(text), "you", &desk->model.quota.user, &wish);
    fits &= weigh_scope(text, sizeof(text), "all", &desk->model.quota.system, &wish);
    desk_say(desk, fits ? ROLE_DIM : ROLE_WARN, "%s%s", text, fits ? "" : "   over the quota");
}
