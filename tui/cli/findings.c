/* findings: a line, or an object of a list, for each; and how many of each mark. Owned by the
 * verb's run. */
#include "cli/findings.h"

#include "cli/print.h"
#include "memory.h"
#include "scope.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *line;
    const char *name;
} marks[MARKS] = {
    [MARK_OK] = {"ok  ", "ok"},
    [MARK_WARNING] = {"warn", "warning"},
    [MARK_BAD] = {"BAD ", "bad"},
};

void findings_begin(struct findings *findings, bool as_json)
{
    *findings = (struct findings){.list = as_json ? json_object_new_array() : NULL};
}

static void keep_finding(struct findings *findings, enum mark mark, const char *what,
                         const char *advice, const char *found)
{
    struct json_object *finding = json_object_new_object();
    json_object_object_add(finding, "what", json_object_new_string(what));
    json_object_object_add(finding, "mark", json_object_new_string(marks[mark].name));
    json_object_object_add(finding, "found", json_object_new_string(found));
    json_object_object_add(finding, "advice",
                           advice == NULL ? NULL : json_object_new_string(advice));
    json_object_array_add(findings->list, finding);
}

void findings_add(struct findings *findings, enum mark mark, const char *what, const char *advice,
                  const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort(); /* out of memory */
    }
    AUTO(free) char *found = text;
    findings->counts[mark]++;
    if (findings->list != NULL) {
        keep_finding(findings, mark, what, advice, found);
        return;
    }
    print_text(stdout, "%s  %-8s %s\n", marks[mark].line, what, found);
    if (advice != NULL) {
        print_text(stdout, "               %s\n", advice);
    }
    (void)fflush(stdout); /* what is asked next may take its time */
}

char *findings_end(struct findings *findings)
{
    if (findings->list == NULL) {
        return NULL;
    }
    struct json_object *all = json_object_new_object();
    json_object_object_add(all, "findings", findings->list);
    json_object_object_add(all, "bad", json_object_new_int((int)findings->counts[MARK_BAD]));
    json_object_object_add(all, "warnings",
                           json_object_new_int((int)findings->counts[MARK_WARNING]));
    findings->list = NULL;
    char *text = xstrdup(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(all);
    return text;
}
