/*
 * people: a list of users with role and name. Names are looked up by workers, which know only a uid
 * or a name; the answer finds its person on the loop.
 *
 * A look-up may be lost in NSS and come when the people are gone: the `office` tells it so, and is
 * freed by the last who holds it. Whoever waits for a name is told "#uid" when its time is over.
 */
#include "registry/people.h"

#include "log.h"
#include "loop/workers.h"
#include "memory.h"
#include "scope.h"

#include <assert.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_DEADLINE_MS = 2000, NAME_WORKERS = 2, NAME_IDLE_MS = 10000, PASSWD_ROOM = 16384 };

struct waiting {
    struct waiting *next;
    people_named_fn *named;
    void *data;
    uint64_t until;
};

struct person {
    struct person *next;
    uid_t uid;
    bool has_role;
    enum user_role role;
    char *name; /* NULL: not looked up, or being looked up */
    bool looking;
    char number[16]; /* "#1000" */
    struct waiting *waiting;
};

/* Outlives the people for look-ups that are still out. Loop only. */
struct office {
    bool open;
    unsigned holders;
};

static void office_leave(struct office *office)
{
    if (--office->holders == 0) {
        free(office);
    }
}

struct people {
    struct loop *loop;
    struct person *persons; /* dozens at most: those who connect or own VMs */
    enum user_role default_role;
    gid_t admin_group;
    uid_t own_uid;
    struct workers *workers;
    struct loop_timer *deadline;
    void (*learned)(void *owner, uid_t uid);
    void *learned_owner;
    struct office *office;
};

static const char *const role_names[] = {
    [ROLE_NONE] = "none",
    [ROLE_VIEWER] = "viewer",
    [ROLE_USER] = "user",
    [ROLE_ADMIN] = "admin",
};

const char *user_role_name(enum user_role role)
{
    return role_names[role];
}

bool user_role_from_name(const char *name, enum user_role *ret_role)
{
    for (size_t i = 0; i < ARRAY_LENGTH(role_names); i++) {
        if (strcmp(role_names[i], name) == 0) {
            *ret_role = (enum user_role)i;
            return true;
        }
    }
    return false;
}

static struct person *person_get(struct people *people, uid_t uid)
{
    for (struct person *person = people->persons; person != NULL; person = person->next) {
        if (person->uid == uid) {
            return person;
        }
    }
    struct person *person = xcalloc(1, sizeof *person);
    person->uid = uid;
    snprintf(person->number, sizeof person->number, "#%u", (unsigned)uid);
    person->next = people->persons;
    people->persons = person;
    return person;
}

static void tell_waiting(struct person *person, uint64_t before)
{
    struct waiting **link = &person->waiting;
    while (*link != NULL) {
        struct waiting *waiting = *link;
        if (waiting->until > before) {
            link = &waiting->next;
            continue;
        }
        *link = waiting->next;
        waiting->named(waiting->data, person->name == NULL ? person->number : person->name);
        free(waiting);
    }
}

static void name_deadline_passed(void *owner)
{
    struct people *people = owner;
    bool more = false;
    for (struct person *person = people->persons; person != NULL; person = person->next) {
        tell_waiting(person, loop_monotonic_ms());
        more = more || person->waiting != NULL;
    }
    if (more) {
        loop_timer_start(people->deadline, 100, 0);
    }
}

struct people *people_new(struct loop *loop)
{
    struct people *people = xcalloc(1, sizeof *people);
    people->loop = loop;
    people->default_role = ROLE_USER;
    people->admin_group = (gid_t)-1;
    people->own_uid = getuid();
    people->workers = workers_new(loop, "names", NAME_WORKERS, NAME_IDLE_MS);
    people->deadline = loop_timer_new(loop, name_deadline_passed, people);
    people->office = xcalloc(1, sizeof *people->office);
    *people->office = (struct office){.open = true, .holders = 1};
    return people;
}

void people_free(struct people *people)
{
    if (people == NULL) {
        return;
    }
    people->office->open = false;
    workers_free(people->workers);
    loop_timer_free(people->deadline);
    while (people->persons != NULL) {
        struct person *person = people->persons;
        people->persons = person->next;
        tell_waiting(person, UINT64_MAX);
        free(person->name);
        free(person);
    }
    office_leave(people->office);
    free(people);
}

void people_set_defaults(struct people *people, enum user_role default_role, gid_t admin_group)
{
    people->default_role = default_role;
    people->admin_group = admin_group;
}

void people_set_role(struct people *people, uid_t uid, enum user_role role)
{
    struct person *person = person_get(people, uid);
    person->has_role = true;
    person->role = role;
}

enum user_role people_role(const struct people *people, const struct identity *identity)
{
    if (identity->uid == 0 || identity->uid == people->own_uid) {
        return ROLE_ADMIN;
    }
    if (people->admin_group != (gid_t)-1) {
        bool member = identity->gid == people->admin_group;
        for (size_t i = 0; i < identity->group_count && !member; i++) {
            member = identity->groups[i] == people->admin_group;
        }
        if (member) {
            return ROLE_ADMIN;
        }
    }
    for (const struct person *person = people->persons; person != NULL; person = person->next) {
        if (person->uid == identity->uid && person->has_role) {
            return person->role;
        }
    }
    return people->default_role;
}

struct look_up {
    struct job job; /* first */
    struct people *people;
    struct office *office;
    uid_t uid;
    char name[256];
    bool found;
};

static void look_up_run(struct job *job)
{
    struct look_up *look_up = (struct look_up *)job;
    AUTO(free) char *room = xmalloc(PASSWD_ROOM);
    struct passwd entry;
    struct passwd *found = NULL;
    int result = getpwuid_r(look_up->uid, &entry, room, PASSWD_ROOM, &found);
    if (result == 0 && found != NULL && strlen(found->pw_name) < sizeof look_up->name) {
        strncpy(look_up->name, found->pw_name, sizeof look_up->name - 1);
        look_up->found = true;
    }
}

static void look_up_deliver(struct letter *letter)
{
    struct look_up *look_up = (struct look_up *)letter;
    if (look_up->office->open) {
        struct people *people = look_up->people;
        struct person *person = person_get(people, look_up->uid);
        person->looking = false;
        free(person->name);
        person->name = xstrdup(look_up->found ? look_up->name : person->number);
        tell_waiting(person, UINT64_MAX);
        if (look_up->found && people->learned != NULL) {
            people->learned(people->learned_owner, look_up->uid);
        }
    }
    office_leave(look_up->office);
    free(look_up);
}

static void start_look_up(struct people *people, struct person *person)
{
    if (person->name != NULL || person->looking) {
        return;
    }
    struct look_up *look_up = xcalloc(1, sizeof *look_up);
    look_up->job.run = look_up_run;
    look_up->job.letter.deliver = look_up_deliver;
    look_up->people = people;
    look_up->office = people->office;
    people->office->holders++;
    look_up->uid = person->uid;
    person->looking = true;
    workers_submit(people->workers, &look_up->job);
}

const char *people_name(struct people *people, uid_t uid)
{
    assert(loop_is_current());
    struct person *person = person_get(people, uid);
    start_look_up(people, person);
    return person->name == NULL ? person->number : person->name;
}

void people_write_name(struct people *people, uid_t uid, char **name)
{
    free(*name);
    *name = xstrdup(people_name(people, uid));
}

void people_name_then(struct people *people, uid_t uid, people_named_fn *named, void *data)
{
    struct person *person = person_get(people, uid);
    if (person->name != NULL) {
        named(data, person->name);
        return;
    }
    struct waiting *waiting = xcalloc(1, sizeof *waiting);
    waiting->named = named;
    waiting->data = data;
    waiting->until = loop_monotonic_ms() + NAME_DEADLINE_MS;
    waiting->next = person->waiting;
    person->waiting = waiting;
    start_look_up(people, person);
    if (!loop_timer_is_active(people->deadline)) {
        loop_timer_start(people->deadline, NAME_DEADLINE_MS, 0);
    }
}

void people_on_name(struct people *people, void (*learned)(void *owner, uid_t uid), void *owner)
{
    people->learned = learned;
    people->learned_owner = owner;
}

struct name_search {
    struct job job; /* first */
    struct office *office;
    char *name;
    const char *param; /* a table's */
    uid_t uid;
    bool found;
    people_found_fn *answer;
    void *data;
};

static void search_run(struct job *job)
{
    struct name_search *search = (struct name_search *)job;
    AUTO(free) char *room = xmalloc(PASSWD_ROOM);
    struct passwd entry;
    struct passwd *found = NULL;
    if (getpwnam_r(search->name, &entry, room, PASSWD_ROOM, &found) == 0 && found != NULL) {
        search->uid = found->pw_uid;
        search->found = true;
    }
}

static void search_deliver(struct letter *letter)
{
    struct name_search *search = (struct name_search *)letter;
    struct lodge_error err = {0};
    if (!search->found) {
        (void)lodge_fail_param(&err, search->param, "no user '%.64s' on this machine",
                               search->name);
        err.kind = LODGE_ERROR_NOT_FOUND;
    }
    search->answer(search->data, search->found ? &search->uid : NULL, &err);
    office_leave(search->office);
    free(search->name);
    free(search);
}

/* "#1000" -> 1000. */
static bool uid_from_number(const char *name, uid_t *ret_uid)
{
    char *end = NULL;
    unsigned long long number = name[0] == '#' ? strtoull(name + 1, &end, 10) : 0;
    *ret_uid = (uid_t)number;
    return end != NULL && end != name + 1 && *end == '\0' && number < UINT32_MAX;
}

void people_find(struct people *people, const char *name, const char *param, people_found_fn *found,
                 void *data)
{
    uid_t uid;
    if (uid_from_number(name, &uid)) {
        found(data, &uid, NULL);
        return;
    }
    struct name_search *search = xcalloc(1, sizeof *search);
    search->job.run = search_run;
    search->job.letter.deliver = search_deliver;
    search->office = people->office;
    people->office->holders++;
    search->name = xstrdup(name);
    search->param = param;
    search->answer = found;
    search->data = data;
    workers_submit(people->workers, &search->job);
}
