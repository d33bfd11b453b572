/* quota_hint: what the quotas would say of one more guest: "you: VMs 3/5  vCPUs 5/8   all: …". No
 * state.
 */
#ifndef TUI_VIEW_QUOTA_HINT_H
#define TUI_VIEW_QUOTA_HINT_H

#include "model/model.h"

/* False when it would not fit: what is over has a `!`. True, with "", while quotas are not known.
 */
bool quota_hint_text(const struct model *model, const struct lodge_amounts *more, char *text,
                     size_t size);

#endif
