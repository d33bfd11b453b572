/*
 * people: who may do what, and what users are called. Roles and owners live in the loop's memory.
 *
 * Names come from NSS, which may block for ever (LDAP): look-ups run on a worker, the cache is the
 * loop's. Loop-only.
 */
#ifndef REGISTRY_PEOPLE_H
#define REGISTRY_PEOPLE_H

#include "lodge/error.h"
#include "loop/loop.h"

#include <sys/types.h>

enum user_role { ROLE_NONE, ROLE_VIEWER, ROLE_USER, ROLE_ADMIN };

/* "none", "viewer", "user", "admin"; and back: false if it is no role's name. */
const char *user_role_name(enum user_role role);
bool user_role_from_name(const char *name, enum user_role *ret_role);

/* Who somebody is, as the kernel said when they connected. */
struct identity {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    gid_t *groups; /* heap, with it */
    size_t group_count;
};

/* Through whose eyes objects are looked at. */
struct viewer {
    uid_t uid;
    enum user_role role;
};

struct people;

struct people *people_new(struct loop *loop);
void people_free(struct people *people); /* NULL is fine; waiting names come as "#uid" */

/* For those without a row of their own. `admin_group` -1: there is none. */
void people_set_defaults(struct people *people, enum user_role default_role, gid_t admin_group);
void people_set_role(struct people *people, uid_t uid, enum user_role role);

/* uid 0, lodged's own uid and members of the admin group are admins, whatever their row says. */
enum user_role people_role(const struct people *people, const struct identity *identity);

/* The name as far as it is known: the user's, or "#uid". Valid until the next call. Starts a
 * look-up if there has been none. */
const char *people_name(struct people *people, uid_t uid);

/* What `*name` holds (heap, or NULL) becomes the name as far as it is known. */
void people_write_name(struct people *people, uid_t uid, char **name);

/* Calls `named` with the name: at once if it is known, else when the look-up ended or took 2 s. */
typedef void people_named_fn(void *data, const char *name);
void people_name_then(struct people *people, uid_t uid, people_named_fn *named, void *data);

/* The uid of a user's name, or of "#uid". `found` comes exactly once, at once or later; NULL with
 * NOT_FOUND, naming parameter `param`, when there is no such user. */
typedef void people_found_fn(void *data, const uid_t *uid, const struct lodge_error *error);
void people_find(struct people *people, const char *name, const char *param, people_found_fn *found,
                 void *data);

/* Called when a name that had been given as "#uid" became known. */
void people_on_name(struct people *people, void (*learned)(void *owner, uid_t uid), void *owner);

#endif
