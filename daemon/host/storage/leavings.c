/* leavings.c: one domain's uses (uses_private.h), looked at for what is not lodge's. */
#include "host/storage/leavings.h"
#include "host/libvirt_auto.h"
#include "host/storage/uses_private.h"
#include "memory.h"

#include <string.h>

/* Nobody has chains as deep; libvirt takes none of more than 200. */
enum { DEEPEST = 256, NOWHERE = -1, UNSEEN = -2 };

struct search {
    const struct uses *uses;
    const struct use_target *ours;
    size_t count;
    bool *is_listed;   /* of uses.files */
    ssize_t *leads_to; /* of uses.files: which of ours; NOWHERE, or UNSEEN until it was walked */
    bool is_too_deep;
    struct leavings *found;
};

static ssize_t which_of_ours(const struct search *search, const struct uses_file *file)
{
    for (size_t i = 0; i < search->count; i++) {
        if (uses_is(file, &search->ours[i])) {
            return (ssize_t)i;
        }
    }
    return -1;
}

static void add_leaving(struct leavings *found, const char *path, ssize_t on)
{
    found->items = xrealloc(found->items, (found->count + 1) * sizeof *found->items);
    found->items[found->count++] = (struct leaving){.path = xstrdup_or_null(path), .on = on};
}

static void list_file(struct search *search, size_t place, ssize_t on)
{
    if (search->is_listed[place] && on < 0) {
        return;
    }
    search->is_listed[place] = true;
    add_leaving(search->found, search->uses->files[place]->path, on);
}

/* Lists what lies on top of one of ours, by whatever a header names below it, each file once; which
 * one of ours, or NOWHERE. */
static ssize_t list_layers(struct search *search, size_t place, size_t depth)
{
    const struct uses_file *file = search->uses->files[place];
    ssize_t *leads_to = &search->leads_to[place];
    if (*leads_to != UNSEEN) {
        return *leads_to;
    }
    *leads_to = which_of_ours(search, file);
    search->is_too_deep |= depth == DEEPEST;
    if (*leads_to >= 0 || depth == DEEPEST) {
        return *leads_to;
    }
    for (size_t i = 0; i < file->below_count; i++) {
        ssize_t on = list_layers(search, file->below[i], depth + 1);
        if (on >= 0) {
            list_file(search, place, on);
            *leads_to = on;
        }
    }
    return *leads_to;
}

/* From a disk down: all that lies on top of one of ours, else the disk alone. */
static void list_disk(struct search *search, size_t top)
{
    if (list_layers(search, top, 0) < 0) {
        list_file(search, top, -1);
    }
}

/* A chain as a definition has it, of which nobody need be able to read the images. */
static void list_backing(struct search *search, size_t place)
{
    ssize_t on = which_of_ours(search, search->uses->files[place]);
    if (on >= 0) {
        add_leaving(search->found, NULL, on);
    }
}

/* Whoever could not be looked into may be based on anything. */
static void search_note_doubt(struct search *search)
{
    const struct uses *uses = search->uses;
    if (uses->doubts.count > 0) {
        search->found->doubt = xstrdup(uses->doubts.items[0]);
    }
    for (size_t i = 0; i < uses->file_count && search->found->doubt == NULL; i++) {
        const struct uses_file *file = uses->files[i];
        if (file->is_unknown && which_of_ours(search, file) < 0) {
            search->found->doubt = xasprintf("%s cannot be looked into", file->path);
        }
    }
}

static void list_all(struct search *search)
{
    for (size_t i = 0; i < search->uses->said_count; i++) {
        const struct uses_said *said = &search->uses->said[i];
        if (said->file < 0) {
            continue;
        }
        if (said->as == NAMED_DISK) {
            list_disk(search, (size_t)said->file);
        } else if (said->as == NAMED_MEMORY) {
            list_file(search, (size_t)said->file, -1);
        } else if (said->as == NAMED_BACKING) {
            list_backing(search, (size_t)said->file);
        }
    }
    search_note_doubt(search);
}

static bool read_uses(struct host_conn *conn, const char *uuid, virDomainPtr domain,
                      struct uses *uses, struct lodge_error *err)
{
    static const enum uses_part parts[] = {USES_XML, USES_SNAPSHOTS};
    struct named_files files = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (!uses_read_part(domain, parts[i], &files, err)) {
            named_files_clear(&files);
            return false;
        }
    }
    uses_add_domain(uses, uuid, virDomainGetName(domain), &files);
    return uses_follow(uses, conn, NULL, err);
}

bool domain_leavings(struct host_conn *conn, const char *uuid, const struct lodge_strings *ours,
                     struct leavings *ret_leavings, struct lodge_error *err)
{
    struct lodge_error why = {0};
    *ret_leavings = (struct leavings){0};
    AUTO(virDomainFree) virDomainPtr domain = host_conn_domain(conn, uuid, &why);
    struct uses *uses = uses_new();
    bool good = domain != NULL && read_uses(conn, uuid, domain, uses, &why);
    if (good) {
        AUTO(free) struct use_target *targets = xcalloc(ours->count + 1, sizeof *targets);
        AUTO(free) bool *is_listed = xcalloc(uses->file_count + 1, sizeof *is_listed);
        AUTO(free) ssize_t *leads_to = xcalloc(uses->file_count + 1, sizeof *leads_to);
        for (size_t i = 0; i < uses->file_count; i++) {
            leads_to[i] = UNSEEN;
        }
        for (size_t i = 0; i < ours->count; i++) {
            targets[i] = use_target_at(ours->items[i]);
        }
        struct search search = {uses,     targets, ours->count, is_listed,
                                leads_to, false,   ret_leavings};
        list_all(&search);
        if (search.is_too_deep) {
            good = lodge_fail(&why, LODGE_ERROR_CONFLICT,
                              "'%s' has images on top of each other without end: it is left as it "
                              "is",
                              virDomainGetName(domain));
        }
    }
    uses_release(uses);
    if (!good) {
        leavings_clear(ret_leavings);
    }
    if (!good && why.kind != LODGE_ERROR_NOT_FOUND) {
        *err = why;
    }
    return good || why.kind == LODGE_ERROR_NOT_FOUND;
}

void leavings_clear(struct leavings *leavings)
{
    for (size_t i = 0; i < leavings->count; i++) {
        free(leavings->items[i].path);
    }
    free(leavings->items);
    free(leavings->doubt);
    *leavings = (struct leavings){0};
}
