/*
 * error: one table has the name and the code of each kind. An error lives where its caller has put
 * it and owns nothing; the first failure stays, and lodge_fail_in() puts context in front of it.
 */
#include "lodge/error.h"

#include "scope.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One row per kind: what programs read, in words and in numbers. */
static const struct {
    const char *name;
    int code;
} kinds[] = {
    [LODGE_ERROR_NONE] = {"none", 0},
    [LODGE_ERROR_PARSE] = {"parse", -32700},
    [LODGE_ERROR_REQUEST] = {"invalid_request", -32600},
    [LODGE_ERROR_METHOD] = {"unknown_method", -32601},
    [LODGE_ERROR_PARAMS] = {"invalid_params", -32602},
    [LODGE_ERROR_INTERNAL] = {"internal", -32603},
    [LODGE_ERROR_NOT_FOUND] = {"not_found", -32001},
    [LODGE_ERROR_EXISTS] = {"exists", -32002},
    [LODGE_ERROR_DENIED] = {"denied", -32003},
    [LODGE_ERROR_QUOTA_EXCEEDED] = {"quota_exceeded", -32004},
    [LODGE_ERROR_BAD_STATE] = {"bad_state", -32005},
    [LODGE_ERROR_HOST_DOWN] = {"host_down", -32006},
    [LODGE_ERROR_TIMEOUT] = {"timeout", -32007},
    [LODGE_ERROR_CANCELLED] = {"cancelled", -32008},
    [LODGE_ERROR_BUSY] = {"busy", -32009},
    [LODGE_ERROR_TOO_MANY] = {"too_many", -32010},
    [LODGE_ERROR_STORE_UNAVAILABLE] = {"store_unavailable", -32011},
    [LODGE_ERROR_CONFLICT] = {"conflict", -32012},
    [LODGE_ERROR_HYPERVISOR] = {"hypervisor", -32013},
    [LODGE_ERROR_UNRESPONSIVE] = {"unresponsive", -32014},
    [LODGE_ERROR_UNSUPPORTED] = {"unsupported", -32015},
    [LODGE_ERROR_INVALID] = {"invalid", -32603},
    [LODGE_ERROR_UNREACHABLE] = {"unreachable", -32603},
};
_Static_assert(ARRAY_LENGTH(kinds) == LODGE_ERROR_KINDS, "a row per kind");

__attribute__((format(printf, 3, 0))) static void
fill_message(struct lodge_error *err, enum lodge_error_kind kind, const char *format, va_list args)
{
    assert(kind != LODGE_ERROR_NONE);
    assert(err->kind == LODGE_ERROR_NONE); /* a second failure must not hide the first */
    int length = vsnprintf(err->message, sizeof err->message, format, args);
    (void)length; /* a long message is cut; its start says what happened */
    err->kind = kind;
}

bool lodge_fail(struct lodge_error *err, enum lodge_error_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill_message(err, kind, format, args);
    va_end(args);
    return false;
}

bool lodge_fail_param(struct lodge_error *err, const char *param, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill_message(err, LODGE_ERROR_PARAMS, format, args);
    va_end(args);
    int length = snprintf(err->param, sizeof err->param, "%s", param);
    (void)length; /* a name that is cut is one that nobody knows anyway */
    return false;
}

bool lodge_fail_in(struct lodge_error *err, const char *format, ...)
{
    char cause[sizeof err->message];
    memcpy(cause, err->message, sizeof cause);

    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t start = used < 0 ? 0 : (size_t)used;
    if (start < sizeof err->message) {
        int rest = snprintf(err->message + start, sizeof err->message - start, ": %s", cause);
        (void)rest; /* as above */
    }
    return false;
}

const char *lodge_error_kind_name(enum lodge_error_kind kind)
{
    return kinds[kind].name;
}

int lodge_error_code(enum lodge_error_kind kind)
{
    return kinds[kind].code;
}

enum lodge_error_kind lodge_error_kind_from_code(int64_t code)
{
    for (size_t i = 1; i < ARRAY_LENGTH(kinds); i++) {
        if (kinds[i].code == code) {
            return (enum lodge_error_kind)i;
        }
    }
    return LODGE_ERROR_INTERNAL;
}
