/* reads_private: what the files of reads/ keep between their questions. Loop-only. */
#ifndef READS_READS_PRIVATE_H
#define READS_READS_PRIVATE_H

#include "fleet.h"
#include "loop/rounds.h"
#include "loop/workers.h"
#include "ops/ops.h"
#include "reads/reads.h"

struct reads {
    struct fleet *fleet;
    struct ops *ops;
    struct display_calls *display_calls;
    struct workers *library; /* the library delays no question, nor do copies of … */
    struct workers *copies;  /* … the database */
    /* What is read once for all who ask meanwhile; NULL when lodged leaves. */
    struct rounds *images, *backups, *comparings;
};

static inline struct reads *reads_of(const struct ops *ops)
{
    return ops_fleet(ops)->reads;
}

#endif
