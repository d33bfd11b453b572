/* guards: undone creations that are looked out for: what of them comes late is undone again
 * (recover.c). Loop-only. */
#ifndef OPS_GUARDS_H
#define OPS_GUARDS_H

#include "ops/op.h"

struct guard {
    struct guard *next; /* in ops.guards */
    const struct recipe *recipe;
    int64_t op;
    char *host;
    char uuid[37];
    char *journal;
    bool foreign;   /* looked at: not ours, or its guest has run; or adopted */
    unsigned looks; /* still to come */
};

/* An undone creation that the store remembers. */
void guards_recall(struct ops *ops, const struct op_row *row);

/* An operation has ended: if it was undone, its debris is looked out for; if it has adopted a
 * domain, that is no debris. */
void guards_note_end(struct op *op);

bool guards_have(const struct ops *ops, int64_t op);
void guards_end_all(struct ops *ops);

#endif
