/*
 * vm_words: a function per kind of member adds to a list of words what it finds; what an operation
 * has not to do with is left out by the caller's set of parts. No state, any thread.
 */
#include "cli/vm_words.h"

#include "buffer.h"
#include "contract/contract.h"
#include "scope.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *words_arrow(void)
{
    static const char arrow[] = "→";
    return text_width(arrow) == 1 ? arrow : "->";
}

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

/* A comma before all but the first. */
static void next_words(struct buffer *words)
{
    buffer_add_text(words, words->length > 0 ? ", " : "");
}

static void add_text_list(struct buffer *words, const char *what, const char *before,
                          const char *now)
{
    if (is_same_text(before, now)) {
        return;
    }
    next_words(words);
    buffer_add_format(words, "%s %s %s %s", what, before == NULL ? "none" : before, words_arrow(),
                      now == NULL ? "none" : now);
}

/* What becomes known was so before. */
static void add_numbers(struct buffer *words, const char *what, const char *unit, int64_t before,
                        int64_t now)
{
    if (before < 0 || now < 0 || before == now) {
        return;
    }
    next_words(words);
    buffer_add_format(words, "%s %" PRId64 "%s %s %" PRId64 "%s", what, before, unit, words_arrow(),
                      now, unit);
}

/* The caller frees. */
static char *finish_words(struct buffer *words)
{
    char *text = buffer_take(words);
    if (text == NULL) {
        abort(); /* out of memory */
    }
    return text;
}

static char *in_one(const struct lodge_strings *list)
{
    struct buffer words = {0};
    for (size_t i = 0; i < list->count; i++) {
        buffer_add_text(&words, i > 0 ? "," : "");
        buffer_add_text(&words, list->items[i]);
    }
    return finish_words(&words);
}

static void add_lists(struct buffer *words, const char *what, const struct lodge_strings *before,
                      const struct lodge_strings *now)
{
    AUTO(free) char *was = in_one(before);
    AUTO(free) char *is = in_one(now);
    add_text_list(words, what, before->count == 0 ? NULL : was, now->count == 0 ? NULL : is);
}

/* One that has been in another state in between is in this one since later. */
static void add_state(struct buffer *words, const struct lodge_vm *before,
                      const struct lodge_vm *now, unsigned parts)
{
    const char *state = lodge_vm_state_name(now->state);
    bool is_other = before->state != now->state;
    bool is_anew = !is_other && before->since != 0 && now->since > before->since;
    bool has_reason = (parts & VM_PART_REASON) != 0 && now->reason != NULL;
    if ((parts & VM_PART_STATE) != 0 && (is_other || is_anew)) {
        next_words(words);
        if (is_other) {
            buffer_add_format(words, "state %s %s %s", lodge_vm_state_name(before->state),
                              words_arrow(), state);
        } else {
            buffer_add_format(words, "state %s anew", state);
        }
        buffer_add_format(words, has_reason ? " (%s)" : "%s", has_reason ? now->reason : "");
    } else if (has_reason && !is_other && before->reason != NULL &&
               !is_same_text(before->reason, now->reason)) {
        next_words(words);
        buffer_add_format(words, "still %s: %s", state, now->reason);
    }
}

static void add_owner_words(struct buffer *words, const struct lodge_vm *before,
                            const struct lodge_vm *now)
{
    add_text_list(words, "owner", before->owner, now->owner);
    if (before->managed != now->managed) {
        next_words(words);
        buffer_add_text(words, now->managed ? "managed by lodge" : "no longer managed by lodge");
    }
}

/* What its definition says; before that was read, nothing has changed. */
static void add_definition(struct buffer *words, const struct lodge_vm *before,
                           const struct lodge_vm *now, unsigned parts)
{
    if ((parts & VM_PART_SIZE) != 0) {
        add_numbers(words, "vCPUs", "", before->vcpus, now->vcpus);
        add_numbers(words, "memory", " MiB", before->memory_mib, now->memory_mib);
        add_numbers(words, "disks", " GiB", before->disk_gib, now->disk_gib);
    }
    if (before->vcpus < 0) {
        return;
    }
    if ((parts & VM_PART_TAGS) != 0) {
        add_lists(words, "tags", &before->tags, &now->tags);
    }
    if ((parts & VM_PART_GRAPHICS) != 0) {
        add_text_list(words, "graphics", before->graphics, now->graphics);
    }
}

static void add_pending(struct buffer *words, const struct lodge_vm *before,
                        const struct lodge_vm *now)
{
    AUTO(free) char *was = in_one(&before->pending);
    AUTO(free) char *is = in_one(&now->pending);
    if (is_same_text(was, is)) {
        return;
    }
    next_words(words);
    buffer_add_text(words, now->pending.count == 0 ? "nothing waits for the next boot any more"
                                                   : "waits for the next boot: ");
    for (size_t i = 0; i < now->pending.count; i++) {
        buffer_add_text(words, i > 0 ? " and " : "");
        buffer_add_text(words, lodge_vm_waiting_words(now->pending.items[i]));
    }
}

static void add_rest(struct buffer *words, const struct lodge_vm *before,
                     const struct lodge_vm *now, unsigned parts)
{
    bool is_known = before->autostart != LODGE_FLAG_UNKNOWN && now->autostart != LODGE_FLAG_UNKNOWN;
    bool hung = before->unresponsive != 0;
    bool hangs = now->unresponsive != 0;
    if ((parts & VM_PART_AUTOSTART) != 0 && is_known) {
        add_text_list(words, "autostart", before->autostart == LODGE_FLAG_YES ? "on" : "off",
                      now->autostart == LODGE_FLAG_YES ? "on" : "off");
    }
    if ((parts & VM_PART_ADDRESSES) != 0) {
        add_lists(words, "addresses", &before->ips, &now->ips);
    }
    if ((parts & VM_PART_PENDING) != 0) {
        add_pending(words, before, now);
    }
    if ((parts & VM_PART_ANSWERS) != 0 && hung != hangs) {
        next_words(words);
        buffer_add_text(words, hangs ? "its QEMU does not answer" : "its QEMU answers again");
    }
}

char *vm_words_changes(const struct lodge_vm *before, const struct lodge_vm *now, unsigned parts)
{
    struct buffer words = {0};
    add_state(&words, before, now, parts);
    if ((parts & VM_PART_NAME) != 0) {
        add_text_list(&words, "name", before->name, now->name);
    }
    if ((parts & VM_PART_OWNER) != 0) {
        add_owner_words(&words, before, now);
    }
    add_definition(&words, before, now, parts);
    add_rest(&words, before, now, parts);
    return words.length == 0 ? NULL : finish_words(&words);
}

char *vm_words_new(const struct lodge_vm *vm)
{
    struct buffer words = {0};
    buffer_add_text(&words, lodge_vm_state_name(vm->state));
    if (vm->vcpus >= 0) {
        buffer_add_format(&words, ", %" PRId64 " vCPU%s", vm->vcpus, vm->vcpus == 1 ? "" : "s");
    }
    if (vm->memory_mib >= 0) {
        buffer_add_format(&words, ", %" PRId64 " MiB", vm->memory_mib);
    }
    if (vm->disk_gib > 0) {
        buffer_add_format(&words, ", disks %" PRId64 " GiB", vm->disk_gib);
    }
    if (vm->owner != NULL) {
        buffer_add_format(&words, ", owner %s", vm->owner);
    }
    return finish_words(&words);
}
