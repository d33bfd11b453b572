/*
 * list: things in a row that carry their own links. A zeroed list is empty, and may be copied away
 * whole: `struct list taken = *list; *list = (struct list){0};`. A link is in one list at a time.
 * One thread's, or its owner's lock's.
 */
#ifndef LIST_H
#define LIST_H

#include "scope.h"

#include <stddef.h>

struct list_link {
    struct list_link *before;
    struct list_link *next;
};

struct list {
    struct list_link *first;
    struct list_link *last;
};

/* What a link is the `member` of; NULL for NULL. */
#define LIST_ITEM(link, type, member)                             \
    ({                                                            \
        struct list_link *link_ = (link);                         \
        link_ == NULL ? NULL : CONTAINER_OF(link_, type, member); \
    })

#define LIST_FIRST(list, type, member) LIST_ITEM((list)->first, type, member)
#define LIST_NEXT(item, type, member) \
    ((item) == NULL ? NULL : LIST_ITEM((item)->member.next, type, member))

/* LIST_EACH (struct call, call, &client->calls, link) { … }: from the first to the last. The item
 * may be taken out, and freed, but not the one after it. */
#define LIST_EACH(type, item, list, member)                           \
    for (__typeof__(type *)(item) = LIST_FIRST(list, type, member),   \
                         item##_next = LIST_NEXT(item, type, member); \
         (item) != NULL; (item) = item##_next, item##_next = LIST_NEXT(item, type, member))

/* The first, taken out; NULL: there is none. */
#define LIST_TAKE_FIRST(list, type, member) LIST_ITEM(list_take_first(list), type, member)

/* In front of `next`, which is in the list; NULL: at its end. */
static inline void list_insert(struct list *list, struct list_link *next, struct list_link *link)
{
    link->next = next;
    link->before = next == NULL ? list->last : next->before;
    *(link->before == NULL ? &list->first : &link->before->next) = link;
    *(next == NULL ? &list->last : &next->before) = link;
}

static inline void list_append(struct list *list, struct list_link *link)
{
    list_insert(list, NULL, link);
}

static inline void list_prepend(struct list *list, struct list_link *link)
{
    list_insert(list, list->first, link);
}

/* `link` is in the list, and in none then. */
static inline void list_remove(struct list *list, struct list_link *link)
{
    *(link->before == NULL ? &list->first : &link->before->next) = link->next;
    *(link->next == NULL ? &list->last : &link->next->before) = link->before;
    link->before = NULL;
    link->next = NULL;
}

static inline struct list_link *list_take_first(struct list *list)
{
    struct list_link *link = list->first;
    if (link != NULL) {
        list_remove(list, link);
    }
    return link;
}

#endif
