/*
 * plan: the tables of fields that write a plan into the journal, read it again, and set up and
 * clear it. A name in them is in the journals of older lodgeds. Nothing is kept; a plan is
 * whoever's has it.
 */
#include "ops/plan.h"

#include "fields.h"
#include "lodge/vm.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) .offset = offsetof(struct plan_disk, member)
static const struct field disk_fields[] = {
    {"target", FIELD_STRING, AT(target)},  {"volume", FIELD_STRING, AT(volume)},
    {"path", FIELD_STRING, AT(path)},      {"format", FIELD_STRING, AT(format)},
    {"size_gib", FIELD_INT, AT(size_gib)}, {"old_gib", FIELD_INT, AT(old_gib)},
    {"image", FIELD_STRING, AT(image)},    {"image_format", FIELD_STRING, AT(image_format)},
    {"pool", FIELD_STRING, AT(pool)},      {"seal", FIELD_STRING, AT(seal)},
    {"ours", FIELD_BOOL, AT(ours)},        {"kept", FIELD_BOOL, AT(kept)},
    {"why", FIELD_STRING, AT(why)},        {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct plan_left, member)
static const struct field left_fields[] = {
    {"path", FIELD_STRING, AT(path)},
    {"why", FIELD_STRING, AT(why)},
    {.type = FIELD_END},
};
#undef AT

#define AT(member) .offset = offsetof(struct plan, member)
static const struct field plan_fields[] = {
    {"name", FIELD_STRING, AT(name)},
    {"owner", FIELD_INT, AT(owner)},
    {"pool", FIELD_STRING, AT(pool)},
    {"dir", FIELD_STRING, AT(dir)},
    {"disks", FIELD_OBJECTS, AT(disks), .size = sizeof(struct plan_disk), .fields = disk_fields},
    {"left", FIELD_OBJECTS, AT(left), .size = sizeof(struct plan_left), .fields = left_fields},
    {"vcpus", FIELD_INT, AT(vcpus)},
    {"memory_mib", FIELD_INT, AT(memory_mib)},
    {"iso", FIELD_STRING, AT(iso)},
    {"kernel", FIELD_STRING, AT(kernel)},
    {"initrd", FIELD_STRING, AT(initrd)},
    {"cmdline", FIELD_STRING, AT(cmdline)},
    {"network", FIELD_STRING, AT(network)},
    {"mac", FIELD_STRING, AT(mac)},
    {"graphics", FIELD_STRING, AT(graphics)},
    {"uefi", FIELD_BOOL, AT(uefi)},
    {"boot", FIELD_STRINGS, AT(boot)},
    {"tags", FIELD_STRINGS, AT(tags)},
    {"serial_log", FIELD_STRING, AT(serial_log)},
    {"no_log", FIELD_BOOL, AT(no_log)},
    {"start", FIELD_BOOL, AT(start)},
    {"hung", FIELD_BOOL, AT(hung)},
    {"grace_s", FIELD_INT, AT(grace_s)},
    {"run", FIELD_INT, AT(run)},
    {"new_name", FIELD_STRING, AT(new_name)},
    {"new_vcpus", FIELD_INT, AT(new_vcpus)},
    {"new_memory_mib", FIELD_INT, AT(new_memory_mib)},
    {"old_vcpus", FIELD_INT, AT(old_vcpus)},
    {"old_memory_mib", FIELD_INT, AT(old_memory_mib)},
    {"old_xml", FIELD_STRING, AT(old_xml)},
    {"new_xml", FIELD_STRING, AT(new_xml)},
    {"stand_in", FIELD_STRING, AT(stand_in)},
    {"autostart", FIELD_INT, AT(autostart)},
    {"set_tags", FIELD_BOOL, AT(set_tags)},
    {"set_boot", FIELD_BOOL, AT(set_boot)},
    {"set_media", FIELD_BOOL, AT(set_media)},
    {"target", FIELD_STRING, AT(target)},
    {"defined", FIELD_BOOL, AT(defined)},
    {"pending", FIELD_STRINGS, AT(pending)},
    {"dropped", FIELD_STRINGS, AT(dropped)},
    {"notes", FIELD_STRINGS, AT(notes)},
    {"error_kind", FIELD_INT, AT(error_kind)},
    {"error", FIELD_STRING, AT(error)},
    {"turned", FIELD_STRING, AT(turned)},
    {"foreign", FIELD_BOOL, AT(foreign)},
    {"alive", FIELD_BOOL, AT(alive)},
    {.type = FIELD_END},
};
#undef AT

void plan_init(struct plan *plan)
{
    fields_init(plan_fields, plan);
}

void plan_clear(struct plan *plan)
{
    fields_clear(plan_fields, plan);
}

char *plan_to_json(const struct plan *plan)
{
    struct buffer buffer = {0};
    fields_write(&buffer, plan_fields, FIELD_MASK_ALL, plan);
    char *json = buffer_take(&buffer);
    if (json == NULL) {
        abort(); /* out of memory */
    }
    return json;
}

bool plan_from_json(const char *json, struct plan *ret_plan, struct lodge_error *err)
{
    return fields_read_text(json, plan_fields, ret_plan, err);
}

void plan_leave(struct plan *plan, const char *path, const char *why)
{
    for (size_t i = 0; i < plan->left.count; i++) {
        if (strcmp(plan->left.items[i].path, path) == 0) {
            return;
        }
    }
    plan->left.items =
        xrealloc(plan->left.items, (plan->left.count + 1) * sizeof *plan->left.items);
    plan->left.items[plan->left.count++] = (struct plan_left){xstrdup(path), xstrdup(why)};
}

void plan_note(struct plan *plan, const char *note)
{
    if (!lodge_strings_contain(&plan->notes, note) && !lodge_strings_add(&plan->notes, note)) {
        abort(); /* out of memory */
    }
}
