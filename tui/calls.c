/*
 * calls: each call that is out is a copy that owns its texts, freed when it is answered; liblodge
 * answers each once, also those whose connection has gone.
 */
#include "calls.h"

#include "lodge/client.h"
#include "memory.h"
#include "outcome.h"
#include "scope.h"

#include <stdlib.h>

struct made {
    struct call call; /* its texts are ours */
    const struct command_set *commands;
    int64_t since_ms;
};

static void made_free(struct made *made)
{
    free((char *)(uintptr_t)made->call.what);
    free((char *)(uintptr_t)made->call.vm);
    free(made);
}

static void answered_vm(const struct call *call, const char *result)
{
    struct lodge_vm vm;
    struct lodge_error err = {0};

    if (result != NULL && lodge_vm_from_json(result, &vm, &err)) {
        call->told(call->owner, call, &vm);
        lodge_vm_clear(&vm);
    } else {
        call->told(call->owner, call, NULL);
    }
}

static void on_call_answered(void *data, const char *result, const struct lodge_error *error)
{
    struct made *made = data;
    const struct call *call = &made->call;
    char text[OUTCOME_TEXT];

    if (call->told != NULL) {
        answered_vm(call, error == NULL ? result : NULL);
    } else if (error == NULL && call->opened != NULL) {
        call->opened(call->owner, call, result);
    } else if (call->say != NULL) {
        outcome_say(made->commands, call->what, (double)(source_now_ms() - made->since_ms) / 1000,
                    result, error, text, sizeof text);
        call->say(call->owner, call, error != NULL, text);
    }
    made_free(made);
}

/* Nothing was asked: it says so as an answer would. */
static void refuse_call(const struct call *call, const char *why)
{
    if (call->told != NULL) {
        call->told(call->owner, call, NULL);
    } else if (call->say != NULL) {
        AUTO(free) char *text = xasprintf("%s: %s", call->what, why);
        call->say(call->owner, call, true, text);
    }
}

void calls_make(struct source *source, const struct call *call)
{
    const char *why;
    struct lodge_client *client = source_client(source, &why);
    struct lodge_error err = {0};

    if (client == NULL) {
        refuse_call(call, why);
        return;
    }
    struct made *made = xcalloc(1, sizeof *made);
    made->call = *call;
    made->call.what = xstrdup_or_null(call->what);
    made->call.vm = xstrdup_or_null(call->vm);
    made->commands = source_commands(source);
    made->since_ms = source_now_ms();
    if (lodge_client_call(client, call->method, call->params, 0, on_call_answered, made, &err) ==
        0) {
        refuse_call(call, err.message);
        made_free(made);
    }
}
