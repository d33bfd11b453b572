/* upkeep: what is done again and again: old rows are forgotten, rows and domains compared, serial
 * logs cut. Loop-only. */
#ifndef READS_UPKEEP_H
#define READS_UPKEEP_H

#include "ops/ops.h"

struct upkeep;

struct upkeep *upkeep_new(struct ops *ops, unsigned op_keep_days, unsigned audit_keep_days);
void upkeep_free(struct upkeep *upkeep); /* before ops_close(); NULL is fine */

#endif
