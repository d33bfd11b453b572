/* life: what there is to see of whether a guest that lodge is making has run. Any thread. */
#ifndef OPS_LIFE_H
#define OPS_LIFE_H

#include "host/guest/domain.h"

/* Or may have: in doubt it has. `starts_paused` as in struct host_traits. */
bool life_is_seen(const struct domain_look *look, bool starts_paused);

#endif
