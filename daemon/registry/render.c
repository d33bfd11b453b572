/*
 * render: of a VM the members of lists and its samples are kept as two texts, because samples
 * change every second and facts seldom; whoever reads the list gets the two joined.
 *
 * Other choices of members, and all other objects, are written from their fields each time. Masks
 * are made once, by the first caller; loop-only.
 */
#include "registry/render.h"

#include "contract/contract.h"
#include "memory.h"
#include "registry/told.h"

#include <stdlib.h>
#include <string.h>

static field_mask key_mask(void)
{
    static field_mask mask; /* loop only, made once */
    if (mask == 0) {
        mask = fields_bit(lodge_vm_fields, "host") | fields_bit(lodge_vm_fields, "uuid") |
               fields_bit(lodge_vm_fields, "name");
    }
    return mask;
}

static field_mask stats_mask(void)
{
    static field_mask mask;
    if (mask == 0) {
        mask = fields_bit(lodge_vm_fields, "stats");
    }
    return mask;
}

bool render_choice_of(const struct lodge_strings *fields, struct render_choice *ret_choice,
                      struct lodge_error *err)
{
    struct render_choice choice = {.all = fields->items == NULL};
    if (!choice.all && !fields_mask_of(lodge_vm_fields, fields, "fields", &choice.mask, err)) {
        return false;
    }
    choice.mask |= key_mask();
    *ret_choice = choice;
    return true;
}

static void render_fragments(struct vm *vm)
{
    struct buffer buffer = {0};
    if (vm->rendered == NULL) {
        static field_mask mask;
        if (mask == 0) {
            mask = lodge_vm_list_mask() & ~stats_mask();
        }
        fields_write_members(&buffer, lodge_vm_fields, mask, &vm->facts, false);
        vm->rendered_length = buffer.length;
        vm->rendered = buffer_take(&buffer);
    }
    if (vm->rendered_stats == NULL) {
        fields_write_members(&buffer, lodge_vm_fields, stats_mask(), &vm->facts, false);
        vm->rendered_stats_length = buffer.length;
        vm->rendered_stats = buffer_take(&buffer);
    }
    if (vm->rendered == NULL || vm->rendered_stats == NULL) {
        abort(); /* out of memory */
    }
}

void render_vm(struct buffer *buffer, struct vm *vm, const struct render_choice *choice)
{
    if (!choice->all) {
        fields_write(buffer, lodge_vm_fields, choice->mask, &vm->facts);
        return;
    }
    render_fragments(vm);
    buffer_add_char(buffer, '{');
    buffer_add(buffer, vm->rendered, vm->rendered_length);
    if (vm->rendered_stats_length > 0) {
        buffer_add_char(buffer, ',');
        buffer_add(buffer, vm->rendered_stats, vm->rendered_stats_length);
    }
    buffer_add_char(buffer, '}');
}

void render_vm_detail(struct buffer *buffer, struct vm *vm, const char *xml)
{
    buffer_add_char(buffer, '{');
    fields_write_members(buffer, lodge_vm_fields, FIELD_MASK_ALL, &vm->facts, false);
    if (xml != NULL) {
        buffer_add_text(buffer, ",\"xml\":");
        buffer_add_json_string(buffer, xml);
    }
    buffer_add_char(buffer, '}');
}

void render_vm_key(struct buffer *buffer, const struct vm *vm)
{
    fields_write(buffer, lodge_vm_fields, key_mask(), &vm->facts);
}

void render_vm_sample(struct buffer *buffer, struct vm *vm)
{
    render_fragments(vm);
    buffer_add_char(buffer, '{');
    fields_write_members(buffer, lodge_vm_fields, key_mask(), &vm->facts, false);
    if (vm->rendered_stats_length > 0) {
        buffer_add_char(buffer, ',');
        buffer_add(buffer, vm->rendered_stats, vm->rendered_stats_length);
    }
    buffer_add_char(buffer, '}');
}

void render_host(struct buffer *buffer, const struct registry_host *host,
                 const struct viewer *viewer)
{
    field_mask mask = FIELD_MASK_ALL;
    if (viewer->role != ROLE_ADMIN) {
        mask &= ~fields_bit(lodge_host_fields, "uri");
    }
    struct lodge_host told = host->facts; /* borrows all but its error */
    told.error = told_host_error(host, viewer);
    fields_write(buffer, lodge_host_fields, mask, &told);
    free(told.error);
}

void render_host_key(struct buffer *buffer, const struct registry_host *host)
{
    fields_write(buffer, lodge_host_fields, fields_bit(lodge_host_fields, "name"), &host->facts);
}

void render_host_sample(struct buffer *buffer, const struct registry_host *host)
{
    buffer_add_text(buffer, "{\"host\":");
    buffer_add_json_string(buffer, host->facts.name);
    fields_write_members(buffer, lodge_host_fields, fields_bit(lodge_host_fields, "stats"),
                         &host->facts, true);
    buffer_add_char(buffer, '}');
}

void render_op(struct buffer *buffer, struct registry *registry, const struct lodge_op *op,
               const struct viewer *viewer)
{
    struct told_op told;
    told_op(registry, viewer, op, &told);
    fields_write(buffer, lodge_op_fields, FIELD_MASK_ALL, &told.facts);
    told_op_clear(&told);
}

void render_op_key(struct buffer *buffer, const struct registry_op *op)
{
    fields_write(buffer, lodge_op_fields, fields_bit(lodge_op_fields, "id"), &op->facts);
}

void render_session(struct buffer *buffer, const struct registry_session *session)
{
    fields_write(buffer, lodge_session_fields, FIELD_MASK_ALL, &session->facts);
}

void render_session_end(struct buffer *buffer, struct registry *registry,
                        const struct registry_session *session, const struct viewer *viewer)
{
    const struct lodge_session *facts = &session->facts;
    const struct told_about about = {facts->host, facts->uuid, facts->vm, false};
    field_mask mask =
        fields_bit(lodge_session_fields, "session") | fields_bit(lodge_session_fields, "reason");
    struct lodge_session told = *facts; /* borrows all but its reason */
    told.reason = told_text(registry, viewer, &about, facts->reason);
    fields_write(buffer, lodge_session_fields, mask, &told);
    free(told.reason);
}

void render_quota(struct buffer *buffer, const struct registry_quota *quota, bool key_only)
{
    field_mask key =
        fields_bit(lodge_quota_of_fields, "scope") | fields_bit(lodge_quota_of_fields, "user");
    fields_write(buffer, lodge_quota_of_fields, key_only ? key : FIELD_MASK_ALL, &quota->facts);
}
