/*
 * findings: what `lodge doctor` has looked at: a mark, what was found and, where it is not well,
 * the command that helps. One thread.
 */
#ifndef TUI_CLI_FINDINGS_H
#define TUI_CLI_FINDINGS_H

#include <stdbool.h>

enum mark { MARK_OK, MARK_WARNING, MARK_BAD, MARKS };

struct json_object;

struct findings {
    struct json_object *list; /* NULL: each is printed when it is found */
    unsigned counts[MARKS];
};

void findings_begin(struct findings *findings, bool as_json);

/* One more; `advice` is what helps, for MARK_OK NULL. Bytes of strangers may be in both. */
void findings_add(struct findings *findings, enum mark mark, const char *what, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* {"findings": […], "bad": N, "warnings": N}, once; NULL where they are printed. The caller frees.
 */
char *findings_end(struct findings *findings);

#endif
