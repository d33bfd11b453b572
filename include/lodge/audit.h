/* lodge_audit: one call that was to change something (RPC `audit.list`). */
#ifndef LODGE_AUDIT_H
#define LODGE_AUDIT_H

#include <stdint.h>

struct lodge_audit {
    int64_t id;
    int64_t at;
    char *user;
    int64_t uid;
    int64_t pid;
    char *method;
    char *target;
    char *result; /* ok, or the error's kind */
    char *error;
    int64_t times;
    int64_t op;   /* that it began or was about */
    char *params; /* what was asked: an object as JSON text */
};

#endif
