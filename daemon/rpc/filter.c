/*
 * filter: the query parser's complaint becomes one about the parameter `query`, with the column.
 * The query is the caller's.
 */
#include "rpc/filter.h"

bool filter_parse(const char *text, bool facts_only, struct query **ret_query,
                  struct lodge_error *err)
{
    *ret_query = NULL;
    if (text == NULL) {
        return true;
    }
    struct lodge_error cause = {0};
    struct query *query = query_parse(text, &cause);
    if (query == NULL) {
        (void)lodge_fail_param(err, "query", "%s", cause.message);
        err->column = cause.column;
        return false;
    }
    int column = facts_only ? query_sample_column(query) : 0;
    if (column > 0) {
        query_free(query);
        (void)lodge_fail_param(err, "query",
                               "column %d: a subscription filters by facts, not by samples; use "
                               "vm.list, or filter what topic metrics tells",
                               column);
        err->column = column;
        return false;
    }
    *ret_query = query;
    return true;
}
