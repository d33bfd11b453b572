/*
 * calls: what keys ask of the daemon, call by call, and whom the answers go to. One thread.
 */
#ifndef TUI_CALLS_H
#define TUI_CALLS_H

#include "source.h"

/* One call of an ask. Its texts are copied; each of its functions may be NULL. */
struct call {
    unsigned ask; /* the ask's number … */
    size_t index; /* … and which of its guests this is about */
    const char *method;
    const char *params; /* JSON */
    const char *what;   /* is said of it: "start web" */
    const char *vm;     /* HOST/UUID */
    int way;            /* for `opened` */
    void *owner;
    /* How it went, in a line that begins with `what`; at once when nothing can be asked. */
    void (*say)(void *owner, const struct call *call, bool bad, const char *text);
    /* Gets a good answer instead. */
    void (*opened)(void *owner, const struct call *call, const char *result);
    /* Gets the VM that a vm.get answered, NULL: it could not be told. */
    void (*told)(void *owner, const struct call *call, const struct lodge_vm *vm);
};

void calls_make(struct source *source, const struct call *call);

#endif
