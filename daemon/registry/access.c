/*
 * access: one switch says what each role may; whose a thing is comes in as a fact. What is refused,
 * and in which words, is the asker's to say. No state, any thread.
 */
#include "registry/access.h"

static const char *const access_names[] = {
    [ACCESS_UNSET] = NULL,  [ACCESS_ANY] = "any",     [ACCESS_SEE] = "see",
    [ACCESS_USER] = "user", [ACCESS_OWNER] = "owner", [ACCESS_ADMIN] = "admin",
};

const char *access_name(enum access access)
{
    return access_names[access];
}

static bool role_allows(enum user_role role, bool is_own, enum access access)
{
    switch (access) {
    case ACCESS_UNSET:
        return false;
    case ACCESS_ANY:
        return role != ROLE_NONE;
    case ACCESS_SEE:
        return role == ROLE_ADMIN || role == ROLE_VIEWER || (role == ROLE_USER && is_own);
    case ACCESS_USER:
        return role == ROLE_ADMIN || role == ROLE_USER;
    case ACCESS_OWNER:
        return role == ROLE_ADMIN || (role == ROLE_USER && is_own);
    case ACCESS_ADMIN:
        return role == ROLE_ADMIN;
    }
    return false;
}

bool access_allows_of(const struct viewer *viewer, uid_t uid, uid_t owner, enum access access)
{
    bool is_own = uid == viewer->uid || (owner != VM_NO_OWNER && owner == viewer->uid);
    return role_allows(viewer->role, is_own, access);
}

bool access_allows(const struct viewer *viewer, const struct vm *vm, enum access access)
{
    bool is_own = vm == NULL || (vm->owner != VM_NO_OWNER && vm->owner == viewer->uid);
    return role_allows(viewer->role, is_own, access);
}
