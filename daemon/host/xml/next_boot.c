/*
 * next_boot: two definitions of one domain are compared member by member of a VM, by what is told
 * of them and no more. Pure: facts in, facts out.
 */
#include "host/xml/next_boot.h"

#include "host/xml/domain_xml_read.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static int64_t larger_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_medium(const struct lodge_disk *disk)
{
    return same(disk->device, "cdrom") || same(disk->device, "floppy");
}

static const struct lodge_disk *find_disk_at(const struct domain_facts *facts, const char *target)
{
    for (size_t i = 0; i < facts->disk_count; i++) {
        if (same(facts->disks[i].target, target)) {
            return &facts->disks[i];
        }
    }
    return NULL;
}

/* Whether each of these is there as well, as it is here: disks, or drives of media. */
static bool has_all(const struct domain_facts *facts, const struct domain_facts *other, bool media)
{
    for (size_t i = 0; i < facts->disk_count; i++) {
        const struct lodge_disk *disk = &facts->disks[i];
        const struct lodge_disk *twin = find_disk_at(other, disk->target);
        if (is_medium(disk) == media &&
            (twin == NULL || !same(disk->path, twin->path) || !same(disk->device, twin->device))) {
            return false;
        }
    }
    return true;
}

static bool have_same_nics(const struct domain_facts *a, const struct domain_facts *b)
{
    bool same_so_far = a->nic_count == b->nic_count;
    for (size_t i = 0; same_so_far && i < a->nic_count; i++) {
        same_so_far = same(a->nics[i].mac, b->nics[i].mac) &&
                      same(a->nics[i].network, b->nics[i].network) &&
                      same(a->nics[i].model, b->nics[i].model);
    }
    return same_so_far;
}

static bool same_words(const struct lodge_strings *a, const struct lodge_strings *b)
{
    bool same_so_far = a->count == b->count;
    for (size_t i = 0; same_so_far && i < a->count; i++) {
        same_so_far = strcmp(a->items[i], b->items[i]) == 0;
    }
    return same_so_far;
}

static void list_pending(const struct domain_facts *run, const struct domain_facts *next,
                         struct lodge_strings *ret_pending)
{
    const struct {
        const char *member;
        bool is_same;
    } members[] = {
        {"vcpus", run->vcpus == next->vcpus},
        {"memory_mib", run->memory_mib == next->memory_mib},
        {"disks", has_all(run, next, false) && has_all(next, run, false)},
        {"media", has_all(run, next, true) && has_all(next, run, true)},
        {"nics", have_same_nics(run, next)},
        {"boot", same_words(&run->boot, &next->boot)},
        {"graphics", same(run->graphics, next->graphics)},
        {"tags", same_words(&run->tags, &next->tags)},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        if (!members[i].is_same && !lodge_strings_add(ret_pending, members[i].member)) {
            abort(); /* out of memory */
        }
    }
}

/* Its balloon has given back what the next boot will not have: it has no more than that now. */
static void settle_memory(struct domain_facts *run, const struct domain_facts *next)
{
    bool is_given_back = next->memory_mib < run->memory_mib && run->balloon_mib > 0 &&
                         run->balloon_mib <= next->memory_mib;
    run->memory_mib = is_given_back ? next->memory_mib : run->memory_mib;
}

void next_boot_compare(struct domain_facts *facts, const struct domain_facts *next)
{
    settle_memory(facts, next);
    list_pending(facts, next, &facts->pending);
    facts->most_vcpus = larger_of(facts->vcpus, next->vcpus);
    facts->most_memory_mib = larger_of(facts->memory_mib, next->memory_mib);
    facts->is_whole = true;
}

void next_boot_is_now(struct domain_facts *facts)
{
    facts->most_vcpus = facts->vcpus;
    facts->most_memory_mib = facts->memory_mib;
    facts->is_whole = true;
}

void next_boot_after_save(struct domain_facts *facts, const struct domain_facts *run)
{
    list_pending(run, facts, &facts->pending);
    facts->most_vcpus = larger_of(facts->vcpus, run->vcpus);
    facts->most_memory_mib = larger_of(facts->memory_mib, run->memory_mib);
    facts->vcpus = run->vcpus;
    facts->memory_mib = run->memory_mib;
    facts->saved = true;
    facts->is_whole = true;
}

bool next_boot_is_same(const char *xml, const char *other, bool *ret_same, struct lodge_error *err)
{
    struct domain_facts facts = {0};
    struct domain_facts others = {0};
    struct lodge_strings differ = {0};
    if (!domain_xml_read(xml, &facts, err)) {
        return false;
    }
    if (!domain_xml_read(other, &others, err)) {
        domain_facts_clear(&facts);
        return false;
    }
    list_pending(&facts, &others, &differ);
    *ret_same = differ.count == 0;
    lodge_strings_clear(&differ);
    domain_facts_clear(&facts);
    domain_facts_clear(&others);
    return true;
}
