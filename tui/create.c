/* create: what is typed, in one line or into the form, becomes the parameters of vm.create. */
#include "create.h"

#include "act.h"
#include "memory.h"
#include "scope.h"
#include "units.h"
#include "view/quota_hint.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is being made: with what became of the disk's size where that is not what was typed. */
static void name_creation(struct ask *ask, const char *name, const char *disk, int64_t gib)
{
    double mib = 0;
    int length = snprintf(ask->what, sizeof ask->what, "create %s", name);
    bool is_rounded = size_exact_from_text(disk, &mib) && (double)gib * 1024 != mib;
    if (is_rounded && length > 0 && (size_t)length < sizeof ask->what) {
        snprintf(ask->what + length, sizeof ask->what - (size_t)length,
                 " with a disk of %lld GiB, for %s", (long long)gib, disk);
    }
}

/* :create NAME CPUS MEMORY [DISK] [iso=… kernel=… image=… network=… start] */

struct wish {
    char name[80];
    int64_t vcpus, memory_mib, disk_gib;
    const char *disk;     /* its size as it was typed, in the copy that is read; "" without */
    const char *words[8]; /* the rest, in the copy that is read */
    size_t word_count;
};

static bool wish_read(char *line, struct wish *ret_wish)
{
    char *rest = line;
    char *parts[12];
    size_t count = 0;

    for (char *word; count < ARRAY_LENGTH(parts) && (word = strsep(&rest, " ")) != NULL;) {
        if (word[0] != '\0') {
            parts[count++] = word;
        }
    }
    *ret_wish = (struct wish){.disk = ""};
    if (count < 3 || !size_from_text(parts[2], &ret_wish->memory_mib)) {
        return false;
    }
    snprintf(ret_wish->name, sizeof ret_wish->name, "%s", parts[0]);
    ret_wish->vcpus = strtoll(parts[1], NULL, 10);
    bool has_disk = count > 3 && disk_size_from_text(parts[3], &ret_wish->disk_gib);
    ret_wish->disk = has_disk ? parts[3] : "";
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

unsigned act_create(struct ui *ui, const struct command *command, const char *argument)
{
    struct wish wish;
    const char *word = NULL;

    (void)command;
    if (ui->model.server.role != NULL && strcmp(ui->model.server.role, "viewer") == 0) {
        ui_say(ui, ROLE_WARN, "viewers change nothing: an admin can make you a user");
        return ACT_DRAW;
    }
    if (argument == NULL) {
        form_open(&ui->state.form);
        return ACT_DRAW | ACT_OFFERS;
    }
    AUTO(free) char *line = xstrdup(argument);
    if (!wish_read(line, &wish)) {
        ui_say(ui, ROLE_WARN, "expected a name, a number of CPUs and memory: web 2 1G 10G start");
        return ACT_DRAW;
    }
    (void)ask_begin(ui, "vm.create", "create");
    name_creation(&ui->ask, wish.name, wish.disk, wish.disk_gib);
    if (!wish_apply(&wish, ui->ask.params, &word)) {
        ui_say(ui, ROLE_WARN, "'%s' is nothing that create takes", word);
        ask_done(&ui->ask);
        return ACT_DRAW;
    }
    ui_say(ui, ROLE_DIM, "%s …", ui->ask.what);
    return ACT_DRAW | ACT_ASK;
}

void create_weigh(struct ui *ui, const char *line)
{
    static const char create[] = "create ";
    struct wish wish;
    char text[256];

    if (strncmp(line, create, sizeof create - 1) != 0 || !ui->model.quota.known) {
        return;
    }
    AUTO(free) char *copy = xstrdup(line + sizeof create - 1);
    if (!wish_read(copy, &wish)) {
        return;
    }
    const struct lodge_amounts more = {1, wish.vcpus, wish.memory_mib, wish.disk_gib};
    bool fits = quota_hint_text(&ui->model, &more, text, sizeof text);
    ui_say(ui, fits ? ROLE_DIM : ROLE_WARN, "%s", text);
}

/* The form */

static void add_text_param(struct json_object *to, const char *name, const char *text)
{
    if (text[0] != '\0') {
        json_object_object_add(to, name, json_object_new_string(text));
    }
}

static void form_params(const struct form *form, const struct lodge_amounts *amounts,
                        struct json_object *params)
{
    add_text_param(params, "name", form->text[FORM_NAME]);
    add_text_param(params, "host", form->text[FORM_HOST]);
    json_object_object_add(params, "vcpus", json_object_new_int64(amounts->vcpus));
    json_object_object_add(params, "memory_mib", json_object_new_int64(amounts->memory_mib));
    if (amounts->disk_gib > 0) {
        struct json_object *disk = json_object_new_object();
        struct json_object *disks = json_object_new_array();
        json_object_object_add(disk, "size_gib", json_object_new_int64(amounts->disk_gib));
        add_text_param(disk, "image", form->text[FORM_IMAGE]);
        json_object_array_add(disks, disk);
        json_object_object_add(params, "disks", disks);
    }
    add_text_param(params, "iso", form->text[FORM_ISO]);
    add_text_param(params, "kernel", form->text[FORM_KERNEL]);
    if (strcmp(form->text[FORM_NETWORK], "none") == 0) {
        json_object_object_add(params, "network", NULL);
    } else {
        add_text_param(params, "network", form->text[FORM_NETWORK]);
    }
    json_object_object_add(params, "start",
                           json_object_new_boolean(strcmp(form->text[FORM_START], "yes") == 0));
}

static unsigned form_refuse(struct form *form, enum form_field field, const char *why)
{
    form->at = field;
    snprintf(form->wrong, sizeof form->wrong, "%s", why);
    return ACT_DRAW;
}

static unsigned form_send(struct ui *ui)
{
    struct form *form = &ui->state.form;
    struct lodge_amounts amounts;
    enum form_field wrong;

    if (form->waits != 0) {
        return ACT_NOTHING; /* it was asked for already */
    }
    if (form->text[FORM_NAME][0] == '\0') {
        return form_refuse(form, FORM_NAME, "it needs a name");
    }
    if (!form_amounts(form, &amounts, &wrong)) {
        return form_refuse(form, wrong, "this cannot be read");
    }
    if (form->text[FORM_IMAGE][0] != '\0' && amounts.disk_gib == 0) {
        return form_refuse(form, FORM_DISK, "a disk from an image needs its size");
    }
    struct ask *ask = ask_begin(ui, "vm.create", "create");
    form_params(form, &amounts, ask->params);
    name_creation(ask, form->text[FORM_NAME], form->text[FORM_DISK], amounts.disk_gib);
    snprintf(form->asked, sizeof form->asked, "%s", form->text[FORM_NAME]);
    form->waits = ask->number;
    form->wrong[0] = '\0';
    form->done[0] = '\0';
    return ACT_DRAW | ACT_ASK;
}

unsigned create_in_form(struct ui *ui, struct key key)
{
    struct form *form = &ui->state.form;
    struct form_choices choices = {0};

    choices.of[FORM_IMAGE] = &ui->model.offers[OFFER_IMAGE];
    choices.of[FORM_ISO] = &ui->model.offers[OFFER_ISO];
    choices.of[FORM_KERNEL] = &ui->model.offers[OFFER_KERNEL];
    choices.of[FORM_NETWORK] = &ui->model.offers[OFFER_NETWORK];
    struct lodge_strings hosts = {0};
    for (size_t i = 0; i < ui->model.host_count; i++) {
        if (!lodge_strings_add(&hosts, ui->model.hosts[i].host.name)) {
            abort(); /* out of memory */
        }
    }
    choices.of[FORM_HOST] = hosts.count > 1 ? &hosts : NULL;
    enum form_result result = form_key(form, key, &choices);
    lodge_strings_clear(&hosts);
    if (result == FORM_DONE) {
        return form_send(ui);
    }
    form->open = result != FORM_LEFT;
    return ACT_DRAW;
}

/* It stays until it is left by a key: whoever is typing would type into the list. */
bool create_answered(struct ui *ui, unsigned number, bool bad, const char *text)
{
    struct form *form = &ui->state.form;

    if (form->waits == 0 || number != form->waits) {
        return false;
    }
    form->waits = 0;
    if (!bad && strcmp(form->text[FORM_NAME], form->asked) == 0) {
        form->text[FORM_NAME][0] = '\0'; /* for the next, unless that has been begun */
    }
    snprintf(bad ? form->wrong : form->done, sizeof form->wrong, "%s", text);
    return form->open;
}
