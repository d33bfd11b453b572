/*
 * query: the filter language of vm.list, event.subscribe, `lodge ls` and the TUI's `/`.
 *
 * Terms are separated by spaces and must all match; `!` in front of a term turns it round. A bare
 * word matches names that contain it, whatever the case; one with a glob (`*`, `?`) is matched with
 * the whole name. `key:value` compares a fact (state, owner, host, tag, pending, name, uuid), where
 * case counts and globs work too; a tag is any of the VM's, and so is what is pending, by its
 * member's name or as people call it (memory_mib, memory). `key>number` (also >=, <, <=, =)
 * compares a quantity: cpu, mem% (samples), vcpus, mem (MiB, or 512M, 4G) (facts). What is not
 * known matches no comparison. Globs run in linear time per star; there are no regular expressions.
 * Any thread; a parsed query is not changed by matching.
 */
#ifndef QUERY_H
#define QUERY_H

#include "lodge/vm.h"

struct query;

/* Parses `text`. NULL with INVALID, the column (from 1, in bytes) and what was expected. Texts over
 * 1,024 bytes or 64 terms are refused. An empty text matches everything. */
struct query *query_parse(const char *text, struct lodge_error *err);

bool query_matches(const struct query *query, const struct lodge_vm *vm);

/* Whether a term looks at samples (cpu, mem%), and where; 0 if none does. Subscriptions refuse it.
 */
int query_sample_column(const struct query *query);

void query_free(struct query *query); /* NULL is fine */

/* `*` any run, `?` any one byte, else equal; case counts. Linear in the text per star. */
bool glob_matches(const char *pattern, const char *text);

#endif
