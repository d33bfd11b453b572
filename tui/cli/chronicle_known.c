/*
 * chronicle_known: what a chronicle knows, looked up, and how it says a line. Nothing here changes
 * what is known. One thread.
 */
#include "cli/chronicle_private.h"

#include "memory.h"
#include "scope.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void chronicle_say(struct chronicle *chronicle, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0) {
        abort(); /* out of memory */
    }
    chronicle->said++;
    chronicle->say(chronicle->data, line);
    free(line);
}

char *chronicle_label(const struct chronicle *chronicle, const char *host, const char *name)
{
    bool says_host = chronicle->host_count > 1 && host != NULL;
    return xasprintf("%s%s%s", says_host ? host : "", says_host ? "/" : "",
                     name == NULL ? "?" : name);
}

struct known_vm *chronicle_vm_at(struct index_link *link)
{
    return link == NULL ? NULL : CONTAINER_OF(link, struct known_vm, link);
}

struct known_vm *chronicle_find_vm(const struct chronicle *chronicle, const char *host,
                                   const char *uuid)
{
    struct index_link *link = index_first(&chronicle->vms, index_hash(host, uuid));
    for (; link != NULL; link = index_next(link)) {
        const struct lodge_vm *vm = &chronicle_vm_at(link)->vm;
        if (strcmp(vm->uuid, uuid) == 0 &&
            strcmp(vm->host == NULL ? "" : vm->host, host == NULL ? "" : host) == 0) {
            return chronicle_vm_at(link);
        }
    }
    return NULL;
}

bool chronicle_concerns(const struct chronicle *chronicle, const char *host, const char *uuid)
{
    return chronicle->query == NULL || chronicle_find_vm(chronicle, host, uuid) != NULL;
}

size_t chronicle_vms_on(const struct chronicle *chronicle, const char *host)
{
    size_t count = 0;
    for (size_t i = 0; i < chronicle->vms.bucket_count; i++) {
        struct index_link *link = chronicle->vms.buckets[i];
        for (; link != NULL; link = link->next) {
            const struct lodge_vm *vm = &chronicle_vm_at(link)->vm;
            count += vm->host != NULL && strcmp(vm->host, host) == 0;
        }
    }
    return count;
}

struct known_host *chronicle_find_host(const struct chronicle *chronicle, const char *name)
{
    for (size_t i = 0; name != NULL && i < chronicle->host_count; i++) {
        if (strcmp(chronicle->hosts[i].told.name, name) == 0) {
            return &chronicle->hosts[i];
        }
    }
    return NULL;
}

bool chronicle_host_is_read(const struct chronicle *chronicle, const char *name)
{
    const struct known_host *known = chronicle_find_host(chronicle, name);
    return known != NULL && known->is_read;
}

bool chronicle_is_worked_on(const struct chronicle *chronicle, const struct lodge_vm *vm)
{
    for (size_t i = 0; i < chronicle->op_count; i++) {
        const struct known_op *op = &chronicle->ops[i];
        if (!op->has_ended && strcmp(op->uuid, vm->uuid) == 0 && op->host != NULL &&
            vm->host != NULL && strcmp(op->host, vm->host) == 0) {
            return true;
        }
    }
    return false;
}
