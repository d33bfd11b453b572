/*
 * told: errors, hosts and operations for one reader. Of an error lodge's own words are told apart
 * from libvirt's by the copy of those that it carries; what is only a text is told_text.c's.
 */
#include "registry/told_private.h"

#include "memory.h"
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hosts */

char *told_host_error(const struct registry_host *host, const struct viewer *viewer)
{
    const char *error = host->facts.error;
    bool is_everybodys =
        error == NULL || viewer->role == ROLE_ADMIN || strcmp(error, TOLD_HOST_IS_GONE) == 0;
    return xstrdup_or_null(is_everybodys ? error : TOLD_NOT_REACHED);
}

/* Errors */

/* Where libvirt's text begins in the message, which may end in the middle of it; NULL: it is not
 * there. */
static char *find_libvirts(struct lodge_error *err)
{
    char *found = strstr(err->message, err->libvirt.text);
    if (found != NULL || strlen(err->message) < sizeof err->message - 1) {
        return found;
    }
    for (char *at = err->message; *at != '\0'; at++) {
        if (strncmp(at, err->libvirt.text, strlen(at)) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Leaves what lodge says, before libvirt's text and after it. */
static void cut_libvirts(struct lodge_error *err)
{
    size_t length = strlen(err->libvirt.text);
    char *found = length == 0 ? NULL : find_libvirts(err);
    if (found != NULL) {
        /* What was too long to be kept whole goes on behind it in the message. */
        bool is_whole = length < sizeof err->libvirt.text - 1 && strlen(found) >= length;
        AUTO(free) char *after = xstrdup(is_whole ? found + length : "");
        while (found > err->message && strchr(": ", found[-1]) != NULL) {
            found--;
        }
        *found = '\0';
        AUTO(free) char *before = xstrdup(err->message);
        (void)snprintf(err->message, sizeof err->message,
                       "%s%slibvirt's words on it are for admins%s", before,
                       *before == '\0' ? "" : ": ", after);
    }
    err->libvirt.text[0] = '\0';
}

void told_error(struct registry *registry, const struct viewer *viewer,
                const struct told_about *about, const struct lodge_error *err,
                struct lodge_error *ret_told)
{
    struct told_about of = *about;
    *ret_told = *err;
    if (viewer->role == ROLE_ADMIN) {
        return;
    }
    const struct registry_op *op =
        err->op > 0 && err->op_ended ? registry_find_op(registry, err->op) : NULL;
    if (op != NULL) {
        of = (struct told_about){op->facts.host, op->facts.uuid, op->facts.vm, false};
    }
    of.is_answer = of.is_answer && !err->op_ended;
    if (err->libvirt.code != 0 && (err->kind == LODGE_ERROR_HOST_DOWN ||
                                   !told_is_clean(registry, viewer, &of, err->libvirt.text))) {
        cut_libvirts(ret_told);
    }
    AUTO(free) char *message = told_text(registry, viewer, &of, ret_told->message);
    (void)snprintf(ret_told->message, sizeof ret_told->message, "%s", message);
}

/* Operations */

void told_op(struct registry *registry, const struct viewer *viewer, const struct lodge_op *op,
             struct told_op *ret_told)
{
    *ret_told = (struct told_op){.facts = *op, .is_cut = viewer->role != ROLE_ADMIN};
    if (!ret_told->is_cut) {
        return;
    }
    const struct told_about about = {op->host, op->uuid, op->vm, false};
    struct lodge_op *facts = &ret_told->facts;
    facts->vm = told_text(registry, viewer, &about, op->vm);
    facts->reason = told_text(registry, viewer, &about, op->reason);
    facts->error.message = told_text(registry, viewer, &about, op->error.message);
    facts->notes = (struct lodge_strings){0};
    for (size_t i = 0; i < op->notes.count; i++) {
        AUTO(free) char *note = told_text(registry, viewer, &about, op->notes.items[i]);
        if (!lodge_strings_add(&facts->notes, note)) {
            abort(); /* out of memory, as xmalloc */
        }
    }
}

void told_op_clear(struct told_op *told)
{
    if (told->is_cut) {
        free(told->facts.vm);
        free(told->facts.reason);
        free(told->facts.error.message);
        lodge_strings_clear(&told->facts.notes);
    }
}
