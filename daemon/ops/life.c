/*
 * life.c: has a guest run an instruction? A creation whose guest has is not undone: what is on its
 * disks is somebody's by then.
 *
 * Until its commit a creation's guest is defined, and at most started paused; its mark says when
 * the commit was. Whatever else it is found in, somebody else has brought it there. Of a guest that
 * is off, libvirt remembers how it ended until it is restarted itself; the mark stays.
 */
#include "ops/life.h"

#include "scope.h"

#include <string.h>

static bool is_among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool life_is_seen(const struct domain_look *look, bool starts_paused)
{
    /* QEMU was started paused, or was being started when libvirt was killed. */
    static const char *const before_any[] = {"", "user", "starting up"};
    /* A start that failed is "failed", our own undo "destroyed", a QEMU that was killed "crashed",
     * and a libvirt that was killed meanwhile "daemon". */
    static const char *const after_some[] = {"shutdown", "saved", "migrated", "from snapshot"};
    if (!look->present) {
        return false;
    }
    if (look->committed || look->managed_save) {
        return true;
    }
    if (look->state == LODGE_VM_SHUTOFF) {
        return is_among(look->reason, after_some, ARRAY_LENGTH(after_some));
    }
    if (look->state == LODGE_VM_PAUSED) {
        return !is_among(look->reason, before_any, ARRAY_LENGTH(before_any));
    }
    return starts_paused; /* where it is not started paused, running says nothing */
}
