/*
 * quotas: what VMs add up to, per user and for all, as the feed shows it, beside what they may. The
 * registry owns it; loop-only.
 *
 * Nothing is summed while nobody looks. Whoever does has the sums of a walk over all VMs, made when
 * something has changed, and then at most once in SUM_MS: a thousand guests that start are a few
 * changes of a quota.
 */
#include "contract/contract.h"
#include "memory.h"
#include "registry/access.h"
#include "registry/registry_private.h"
#include "registry/render.h"
#include "scope.h"

#include <stdlib.h>

enum { SUM_MS = 250 };

/* --- as one kind of the feed's ---------------------------------------------------------------- */

static struct registry_quota *quota_in(struct feed_entry *entry)
{
    return CONTAINER_OF(entry, struct registry_quota, entry);
}

static void quota_entry_free(struct feed_entry *entry)
{
    free(quota_in(entry)->facts.user);
    free(quota_in(entry));
}

static void quota_name_learned(struct registry *registry, struct feed_entry *entry, uid_t uid)
{
    struct registry_quota *quota = quota_in(entry);
    if (quota->facts.scope == LODGE_QUOTA_USER && quota->uid == uid) {
        people_write_name(registry->people, uid, &quota->facts.user);
        registry_entry_changed(registry, entry);
    }
}

/* The system's, and one's own. */
static bool quota_is_visible(struct feed_entry *entry, const struct viewer *viewer)
{
    const struct registry_quota *quota = quota_in(entry);
    bool is_systems = quota->facts.scope == LODGE_QUOTA_SYSTEM;
    if (!quota->is_known) {
        return false;
    }
    return is_systems ? access_allows(viewer, NULL, ACCESS_ANY)
                      : access_allows_of(viewer, quota->uid, quota->uid, ACCESS_SEE);
}

static void quota_render(struct buffer *buffer, struct feed_entry *entry,
                         const struct feed_view *view)
{
    (void)view;
    render_quota(buffer, quota_in(entry), false);
}

static void quota_render_key(struct buffer *buffer, struct feed_entry *entry,
                             const struct feed_view *view)
{
    (void)view;
    render_quota(buffer, quota_in(entry), true);
}

static const struct feed_class quota_class = {
    .topic = LODGE_TOPIC_QUOTA,
    .free = quota_entry_free,
    .name_learned = quota_name_learned,
    .is_visible = quota_is_visible,
    .render = quota_render,
    .render_key = quota_render_key,
};

/* --- sums ------------------------------------------------------------------------------------- */

static struct registry_quota *find_quota(const struct registry *registry, uid_t uid)
{
    struct index_link *link = index_first(&registry->quotas_by_uid, uid);
    return link == NULL ? NULL : CONTAINER_OF(link, struct registry_quota, by_uid);
}

static struct registry_quota *add_quota(struct registry *registry, enum lodge_quota_scope scope,
                                        const struct lodge_amounts *limits)
{
    struct registry_quota *quota = xcalloc(1, sizeof *quota);
    quota->facts.scope = scope;
    quota->facts.quota.limits = *limits;
    quota->is_known = registry->quotas_are_known;
    quota->next = registry->quotas;
    registry->quotas = quota;
    registry->quotas_are_old = true;
    registry_add_entry(registry, &quota->entry, &quota_class);
    return quota;
}

/* The user's, made if there is none yet: as many as there are users. */
static struct registry_quota *quota_of(struct registry *registry, uid_t uid)
{
    struct registry_quota *quota = find_quota(registry, uid);
    if (quota == NULL) {
        quota = add_quota(registry, LODGE_QUOTA_USER, &registry->user_limits);
        quota->uid = uid;
        quota->facts.user = xstrdup(people_name(registry->people, uid));
        index_add(&registry->quotas_by_uid, &quota->by_uid, uid); /* the hash is the key */
    }
    return quota;
}

static struct registry_quota *system_quota(struct registry *registry)
{
    if (registry->system_quota == NULL) {
        registry->system_quota = add_quota(registry, LODGE_QUOTA_SYSTEM, &registry->system_limits);
    }
    return registry->system_quota;
}

void registry_add_running(struct lodge_amounts *sum, const struct vm *vm)
{
    sum->vms++;
    sum->vcpus += vm->facts.vcpus > 0 ? vm->facts.vcpus : 0;
    sum->memory_mib += vm->facts.memory_mib > 0 ? vm->facts.memory_mib : 0;
    sum->disk_gib += vm->facts.disk_gib > 0 ? vm->facts.disk_gib : 0;
}

static void count_vm(struct registry_quota *quota, const struct vm *vm)
{
    quota->promised.vms++;
    quota->promised.vcpus += vm->row->vcpus;
    quota->promised.memory_mib += vm->row->memory_mib;
    quota->promised.disk_gib += vm->facts.disk_gib > 0 ? vm->facts.disk_gib : 0;
    if (vm_is_active(vm)) {
        registry_add_running(&quota->running, vm);
    }
}

static bool is_same(const struct lodge_amounts *a, const struct lodge_amounts *b)
{
    return a->vms == b->vms && a->vcpus == b->vcpus && a->memory_mib == b->memory_mib &&
           a->disk_gib == b->disk_gib;
}

static void sum_quotas(struct registry *registry)
{
    struct registry_quota *system = system_quota(registry);
    registry->quotas_are_old = false;
    for (struct registry_quota *quota = registry->quotas; quota != NULL; quota = quota->next) {
        quota->promised = (struct lodge_amounts){0};
        quota->running = (struct lodge_amounts){0};
    }
    const struct vm *vm;
    for (size_t slot = 0; (vm = registry_next_vm(registry, &slot)) != NULL;) {
        if (vm->row != NULL) {
            count_vm(system, vm);
            count_vm(quota_of(registry, vm->owner), vm);
        }
    }
    for (struct registry_quota *quota = registry->quotas; quota != NULL; quota = quota->next) {
        struct lodge_quota *facts = &quota->facts.quota;
        if (!is_same(&facts->promised, &quota->promised) ||
            !is_same(&facts->running, &quota->running)) {
            facts->promised = quota->promised;
            facts->running = quota->running;
            registry_entry_changed(registry, &quota->entry);
        }
    }
    registry->quotas_are_old = false; /* those that were just made are summed as well */
}

static void sum_is_due(void *owner)
{
    struct registry *registry = owner;
    if (registry->quota_watchers > 0 && registry->quotas_are_old) {
        sum_quotas(registry);
    }
}

void registry_quotas_changed(struct registry *registry)
{
    registry->quotas_are_old = true;
    if (registry->quota_watchers > 0 && !loop_timer_is_active(registry->sum_quotas)) {
        loop_timer_start(registry->sum_quotas, SUM_MS, 0);
    }
}

void registry_init_quotas(struct registry *registry)
{
    const struct lodge_amounts none = {LODGE_UNKNOWN, LODGE_UNKNOWN, LODGE_UNKNOWN, LODGE_UNKNOWN};
    registry->system_limits = none;
    registry->user_limits = none;
    registry->sum_quotas = loop_timer_new(registry->loop, sum_is_due, registry);
    index_init(&registry->quotas_by_uid);
}

void registry_done_quotas(struct registry *registry)
{
    loop_timer_free(registry->sum_quotas);
    index_done(&registry->quotas_by_uid);
}

void registry_set_default_limits(struct registry *registry, const struct lodge_amounts *system,
                                 const struct lodge_amounts *user)
{
    registry->system_limits = *system;
    registry->user_limits = *user;
}

void registry_quotas_are_known(struct registry *registry)
{
    registry->quotas_are_known = true;
    (void)system_quota(registry);
    for (struct registry_quota *quota = registry->quotas; quota != NULL; quota = quota->next) {
        quota->is_known = true;
        registry_entry_changed(registry, &quota->entry);
    }
    registry_quotas_changed(registry);
}

void registry_set_limits(struct registry *registry, const uid_t *uid,
                         const struct lodge_amounts *limits)
{
    struct registry_quota *quota = uid == NULL ? system_quota(registry) : quota_of(registry, *uid);
    if (!is_same(&quota->facts.quota.limits, limits)) {
        quota->facts.quota.limits = *limits;
        registry_entry_changed(registry, &quota->entry);
    }
}

/* Who comes while the sums of a moment ago hold makes no new ones: a flood of them costs a walk in
 * SUM_MS. */
void registry_watch_quotas(struct registry *registry, const struct viewer *viewer)
{
    bool is_new = find_quota(registry, viewer->uid) == NULL;
    (void)quota_of(registry, viewer->uid);
    registry->quota_watchers++;
    if (is_new || (registry->quotas_are_old && !loop_timer_is_active(registry->sum_quotas))) {
        sum_quotas(registry);
        loop_timer_start(registry->sum_quotas, SUM_MS, 0);
    }
}

void registry_leave_quotas(struct registry *registry)
{
    registry->quota_watchers--;
}
