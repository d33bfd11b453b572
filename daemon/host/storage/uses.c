/*
 * uses.c: the table of files, who names which, and the question who uses one.
 *
 * A reading fills it, one thread at a time; from then on it is only read. uses_find() walks the
 * whole table: some thousand steps, for a file that is gone for good after them.
 */
#include "host/storage/uses_private.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Nobody has chains as deep; libvirt takes none of more than 200. */
enum { DEEPEST = 256 };

/* --- life ------------------------------------------------------------------------------------- */

struct uses *uses_new(void)
{
    struct uses *uses = xcalloc(1, sizeof *uses);
    uses->holders = 1;
    uses->began_ms = loop_monotonic_ms();
    index_init(&uses->by_path);
    index_init(&uses->by_inode);
    return uses;
}

struct uses *uses_hold(struct uses *uses)
{
    if (uses != NULL) {
        assert(loop_is_current());
        uses->holders++;
    }
    return uses;
}

static void file_free(struct uses_file *file)
{
    lodge_strings_clear(&file->texts);
    free(file->below);
    free(file->path);
    free(file);
}

void uses_release(struct uses *uses)
{
    if (uses == NULL || --uses->holders > 0) {
        return;
    }
    for (size_t i = 0; i < uses->file_count; i++) {
        file_free(uses->files[i]);
    }
    for (size_t i = 0; i < uses->user_count; i++) {
        free(uses->users[i].name);
    }
    for (size_t i = 0; i < uses->said_count; i++) {
        free(uses->said[i].text);
    }
    for (size_t i = 0; i < uses->volume_count; i++) {
        free(uses->volumes[i].named.pool);
        free(uses->volumes[i].named.volume);
    }
    index_done(&uses->by_path);
    index_done(&uses->by_inode);
    free(uses->files);
    free(uses->users);
    free(uses->said);
    free(uses->volumes);
    lodge_strings_clear(&uses->doubts);
    free(uses);
}

bool uses_are_aged(const struct uses *uses)
{
    return loop_monotonic_ms() - uses->began_ms > uses->took_ms + USES_MOST_AGE_MS;
}

bool uses_are_old(const struct uses *uses, const struct host_conn *conn)
{
    return uses_are_aged(uses) || host_defined(conn->host) != uses->defined;
}

/* --- filling ---------------------------------------------------------------------------------- */

/* Room for one more in an array that is doubled when it is full. */
static void *grown(void *items, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0; /* a power of two, or none */
    return is_full ? xrealloc(items, (count == 0 ? 1 : count * 2) * size) : items;
}

/* Without empty parts and "."; NULL for what is no path that the kernel takes. */
static char *clean_path(const char *path)
{
    size_t length = strnlen(path, PATH_MAX);
    if (path[0] != '/' || length == PATH_MAX) {
        return NULL;
    }
    char *clean = xmalloc(length + 2);
    size_t used = 0;
    while (*path != '\0') {
        size_t part = strcspn(path, "/");
        if (part > 0 && !(part == 1 && path[0] == '.')) {
            clean[used++] = '/';
            memcpy(clean + used, path, part);
            used += part;
        }
        path += part + (path[part] == '/');
    }
    if (used == 0) {
        clean[used++] = '/';
    }
    clean[used] = '\0';
    return clean;
}

static struct uses_file *find_file(const struct uses *uses, const char *path, uint64_t hash)
{
    struct index_link *link = index_first(&uses->by_path, hash);
    while (link != NULL && strcmp(CONTAINER_OF(link, struct uses_file, by_path)->path, path) != 0) {
        link = index_next(link);
    }
    return link == NULL ? NULL : CONTAINER_OF(link, struct uses_file, by_path);
}

ssize_t uses_add_file(struct uses *uses, const char *path, bool may_name_others)
{
    AUTO(free) char *clean = clean_path(path);
    if (clean == NULL) {
        return -1;
    }
    uint64_t hash = index_hash(clean, NULL);
    struct uses_file *file = find_file(uses, clean, hash);
    if (file == NULL) {
        file = xcalloc(1, sizeof *file);
        file->path = TAKE(clean);
        file->place = uses->file_count;
        index_add(&uses->by_path, &file->by_path, hash);
        uses->files = grown(uses->files, uses->file_count, sizeof *uses->files);
        uses->files[uses->file_count++] = file;
    }
    file->may_name_others |= may_name_others;
    return (ssize_t)file->place;
}

void uses_add_said(struct uses *uses, size_t user, enum named_as as, const char *path,
                   const char *text, bool may_name_others)
{
    ssize_t file = path == NULL ? -1 : uses_add_file(uses, path, may_name_others);
    uses->said = grown(uses->said, uses->said_count, sizeof *uses->said);
    uses->said[uses->said_count++] = (struct uses_said){
        .user = user,
        .as = as,
        .file = file,
        .text = file >= 0 ? NULL : xstrdup(path != NULL ? path : text),
    };
}

void uses_add_domain(struct uses *uses, const char *uuid, const char *name,
                     struct named_files *files)
{
    size_t user = uses->user_count;
    uses->users = grown(uses->users, uses->user_count, sizeof *uses->users);
    uses->users[uses->user_count++] = (struct uses_user){.name = xstrdup(name)};
    (void)snprintf(uses->users[user].uuid, sizeof uses->users[user].uuid, "%.36s", uuid);
    for (size_t i = 0; i < files->count; i++) {
        struct named_file *named = &files->items[i];
        if (named->pool == NULL) {
            uses_add_said(uses, user, named->as, named->path, named->text, named->may_name_others);
            continue;
        }
        uses->volumes = grown(uses->volumes, uses->volume_count, sizeof *uses->volumes);
        struct uses_volume *volume = &uses->volumes[uses->volume_count++];
        *volume = (struct uses_volume){.user = user, .named = *named};
        named->pool = NULL;
        named->volume = NULL;
    }
    named_files_clear(files);
}

void uses_add_doubt(struct uses *uses, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!lodge_strings_add(&uses->doubts, text)) {
        abort(); /* out of memory, as xmalloc */
    }
}

void uses_add_below(struct uses *uses, struct uses_file *file, const char *below, const char *text,
                    bool may_name_others)
{
    ssize_t place = below == NULL ? -1 : uses_add_file(uses, below, may_name_others);
    if (place >= 0) {
        file->below = grown(file->below, file->below_count, sizeof *file->below);
        file->below[file->below_count++] = (size_t)place;
    } else if (!lodge_strings_add(&file->texts, below != NULL ? below : text)) {
        abort(); /* out of memory, as xmalloc */
    }
}

static uint64_t hash_inode(dev_t device, ino_t inode)
{
    return ((uint64_t)inode ^ (uint64_t)device << 32) * UINT64_C(0x9e3779b97f4a7c15);
}

struct uses_file *uses_see(struct uses *uses, struct uses_file *file, dev_t device, ino_t inode)
{
    uint64_t hash = hash_inode(device, inode);
    file->is_seen = true;
    file->device = device;
    file->inode = inode;
    for (struct index_link *link = index_first(&uses->by_inode, hash); link != NULL;
         link = index_next(link)) {
        struct uses_file *other = CONTAINER_OF(link, struct uses_file, by_inode);
        if (other->device == device && other->inode == inode) {
            return other;
        }
    }
    index_add(&uses->by_inode, &file->by_inode, hash);
    return file;
}

/* --- asking ----------------------------------------------------------------------------------- */

struct use_target use_target_at(const char *path)
{
    struct stat there;
    if (lstat(path, &there) < 0) {
        return (struct use_target){.path = path};
    }
    return (struct use_target){
        .path = path, .is_seen = true, .device = there.st_dev, .inode = there.st_ino};
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* By its path in any case: somebody may have put another file there since it was seen. */
bool uses_is(const struct uses_file *file, const struct use_target *target)
{
    if (file->is_seen && target->is_seen) {
        return (file->device == target->device && file->inode == target->inode) ||
               strcmp(file->path, target->path) == 0;
    }
    return strcmp(last_part(file->path), last_part(target->path)) == 0;
}

static bool texts_name(const struct lodge_strings *texts, const char *name)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (strstr(texts->items[i], name) != NULL) {
            return true;
        }
    }
    return false;
}

/* Whether what is below it leads to the target. */
static bool leads(const struct uses_file *file, const bool *leads_there)
{
    for (size_t i = 0; i < file->below_count; i++) {
        if (leads_there[file->below[i]]) {
            return true;
        }
    }
    return false;
}

/* Which files are the target or lead to it. What a file names stands behind it, as a rule: from the
 * last to the first one round is enough, and one more to know that. False: no end in sight. */
static bool trace(const struct uses *uses, const struct use_target *target, bool *leads_there)
{
    const char *name = last_part(target->path);
    for (size_t i = 0; i < uses->file_count; i++) {
        leads_there[i] =
            uses_is(uses->files[i], target) || texts_name(&uses->files[i]->texts, name);
    }
    bool moved = true;
    for (int round = 0; moved && round < DEEPEST; round++) {
        moved = false;
        for (size_t i = uses->file_count; i-- > 0;) {
            if (!leads_there[i] && leads(uses->files[i], leads_there)) {
                leads_there[i] = moved = true;
            }
        }
    }
    return !moved;
}

static bool said_by_another(const struct uses *uses, const struct uses_said *said,
                            const char *except)
{
    return except == NULL || strcmp(uses->users[said->user].uuid, except) != 0;
}

struct use uses_find(const struct uses *uses, const struct use_target *target, const char *except)
{
    const char *name = last_part(target->path);
    AUTO(free) bool *leads_there = xcalloc(uses->file_count + 1, sizeof *leads_there);
    bool is_traced = trace(uses, target, leads_there);
    for (size_t i = 0; i < uses->said_count; i++) {
        const struct uses_said *said = &uses->said[i];
        bool uses_it = said->file >= 0 ? leads_there[said->file] : strstr(said->text, name) != NULL;
        if (uses_it && said_by_another(uses, said, except)) {
            return (struct use){USE_DOMAIN, uses->users[said->user].name};
        }
    }
    for (size_t i = 0; i < uses->file_count; i++) {
        const struct uses_file *file = uses->files[i];
        if (file->is_alone && leads_there[i] && !uses_is(file, target)) {
            return (struct use){USE_VOLUME, file->path};
        }
    }
    if (uses->doubts.count > 0) {
        return (struct use){USE_DOUBT, uses->doubts.items[0]};
    }
    return (struct use){is_traced ? USE_NONE : USE_DOUBT, "chains of images have no end"};
}

void use_say(const struct use *use, char *ret_text, size_t size)
{
    static const struct {
        const char *before, *after;
    } words[] = {
        [USE_NONE] = {"nobody uses it", ""},
        [USE_DOMAIN] = {"VM '", "' uses it"},
        [USE_VOLUME] = {"", " is based on it"},
        [USE_DOUBT] = {"it is not certain that nobody uses it: ", ""},
    };
    (void)snprintf(ret_text, size, "%s%s%s", words[use->kind].before,
                   use->kind == USE_NONE ? "" : use->who, words[use->kind].after);
}
