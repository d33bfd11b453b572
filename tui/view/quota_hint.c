/*
 * quota_hint: for each scope the amounts that have a limit, as they would be with one more guest.
 * The text is the caller's.
 */
#include "view/quota_hint.h"

#include <stdio.h>
#include <string.h>

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
                        const struct lodge_amounts *more)
{
    const struct lodge_amounts *promised = &quota->promised;
    const struct lodge_amounts *limits = &quota->limits;
    size_t length = strlen(text);

    snprintf(text + length, size - length, "%s%s:", length > 0 ? "   " : "", scope);
    size_t before = strlen(text);
    bool fits = weigh(text, size, "VMs", promised->vms, more->vms, limits->vms);
    fits &= weigh(text, size, "vCPUs", promised->vcpus, more->vcpus, limits->vcpus);
    fits &= weigh(text, size, "MiB", promised->memory_mib, more->memory_mib, limits->memory_mib);
    fits &= weigh(text, size, "GiB", promised->disk_gib, more->disk_gib, limits->disk_gib);
    if (strlen(text) == before) {
        snprintf(text + before, size - before, " no limits");
    }
    return fits;
}

bool quota_hint_text(const struct model *model, const struct lodge_amounts *more, char *text,
                     size_t size)
{
    text[0] = '\0';
    if (!model->quota.known) {
        return true;
    }
    bool fits = weigh_scope(text, size, "you", &model->quota.user, more);
    fits &= weigh_scope(text, size, "all", &model->quota.system, more);
    if (!fits) {
        size_t length = strlen(text);
        snprintf(text + length, size - length, "   over the quota");
    }
    return fits;
}
