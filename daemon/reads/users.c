/*
 * users: a worker joins the stored roles and the owners of VMs by uid. A role is stored first; then
 * the loop's memory of people takes it, and what everybody may see is told anew.
 */
#include "reads/users.h"

#include "fleet_questions.h"
#include "memory.h"
#include "reads/reads_private.h"
#include "scope.h"
#include "store/vms.h"

#include <stdlib.h>

struct user_question {
    struct question question; /* first */
    struct user_entry *users;
    size_t count;
    bool sets;
    uid_t uid;
    enum user_role role;
    struct audit_row audit;
    users_fn *answer;
    void *data;
};

static struct user_entry *entry_of(struct user_question *asked, uid_t uid)
{
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->users[i].uid == uid) {
            return &asked->users[i];
        }
    }
    asked->users = xrealloc(asked->users, (asked->count + 1) * sizeof *asked->users);
    asked->users[asked->count] = (struct user_entry){.uid = uid};
    return &asked->users[asked->count++];
}

static void take_role(void *data, uid_t uid, const char *role)
{
    struct user_entry *entry = entry_of(data, uid);
    entry->has_role = user_role_from_name(role, &entry->role);
}

static void take_vm(void *data, const struct vm_row *row)
{
    struct user_entry *entry = entry_of(data, row->owner);
    entry->promised.vms++;
    entry->promised.vcpus += row->vcpus;
    entry->promised.memory_mib += row->memory_mib;
    entry->promised.disk_gib += row->disk_gib;
}

static int by_uid(const void *a, const void *b)
{
    const struct user_entry *first = a;
    const struct user_entry *second = b;
    return (first->uid > second->uid) - (first->uid < second->uid);
}

static bool read_users(struct question *question, struct store *store)
{
    struct user_question *asked = (struct user_question *)question;
    if (!store_read_users(store, take_role, asked, &question->error) ||
        !store_read_vms(store, take_vm, asked, &question->error)) {
        return false;
    }
    if (asked->count > 0) {
        qsort(asked->users, asked->count, sizeof *asked->users, by_uid);
    }
    return true;
}

static bool write_role(struct question *question, struct store *store)
{
    struct user_question *asked = (struct user_question *)question;
    return store_write_role(store, asked->uid, user_role_name(asked->role), &asked->audit,
                            &question->error) &&
           read_users(question, store);
}

static void answer_users(struct question *question)
{
    struct user_question *asked = (struct user_question *)question;
    struct registry *registry = question->fleet->registry;
    if (question->error.kind != LODGE_ERROR_NONE) {
        asked->answer(asked->data, NULL, 0, &question->error);
    } else if (asked->sets) {
        people_set_role(registry_people(registry), asked->uid, asked->role);
        registry_people_changed(registry);
        asked->answer(asked->data, entry_of(asked, asked->uid), 1, NULL);
    } else {
        asked->answer(asked->data, asked->users, asked->count, NULL);
    }
    free(asked->users);
    free(asked);
}

static struct user_question *question_new(users_fn *answer, void *data)
{
    struct user_question *asked = xcalloc(1, sizeof *asked);
    asked->question.run = read_users;
    asked->question.reads = true;
    asked->question.answer = answer_users;
    asked->answer = answer;
    asked->data = data;
    return asked;
}

void users_list(struct ops *ops, users_fn *answer, void *data)
{
    question_ask(ops_fleet(ops), &question_new(answer, data)->question);
}

void users_set_role(struct ops *ops, uid_t uid, enum user_role role, const struct audit_call *by,
                    users_fn *answer, void *data)
{
    struct user_question *asked = question_new(answer, data);
    asked->question.run = write_role;
    asked->question.reads = false;
    asked->sets = true;
    asked->uid = uid;
    asked->role = role;
    asked->audit = audit_row_of(by);
    question_ask(ops_fleet(ops), &asked->question);
}
