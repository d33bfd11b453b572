/* filter: the query of a request, with errors that name the parameter and the column. Loop-only. */
#ifndef RPC_FILTER_H
#define RPC_FILTER_H

#include "query.h"

enum { FILTER_TEXT_MAX = 1024 };

/* Parses parameter `query`; `text` NULL gives NULL, which matches everything. A filter of facts
 * refuses terms that look at samples. The caller frees. */
bool filter_parse(const char *text, bool facts_only, struct query **ret_query,
                  struct lodge_error *err) LODGE_MUST_CHECK;

#endif
