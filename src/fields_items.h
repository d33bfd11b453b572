/* What a FIELD_OBJECTS member looks like, whatever its items are: private to fields*.c. */
#ifndef FIELDS_ITEMS_H
#define FIELDS_ITEMS_H

#include <stddef.h>

struct field_items {
    void *items;
    size_t count;
};

#endif
