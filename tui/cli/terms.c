/*
 * terms: two tables, and one walk over a text. A method is known by its dot, a parameter by the
 * error that names it or by the backquotes around it. No state.
 */
#include "cli/terms.h"

#include "buffer.h"
#include "cli/verb_table.h"
#include "memory.h"
#include "scope.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct term {
    const char *there;
    const char *here;
};

/* Those whose verbs have no method of their own in the table of verbs. %: the operation. */
static const struct term methods[] = {
    {"vm.list", "ls"},
    {"vm.get", "show"},
    {"host.list", "hosts"},
    {"op.list", "ops"},
    {"op.get", "ops %"},
    {"op.cancel", "ops % --cancel"},
    {"quota.get", "quota"},
    {"quota.set", "quota set"},
    {"user.list", "users"},
    {"user.set", "users set"},
    {"image.list", "images"},
    {"console.list", "sessions"},
    {"console.close", "sessions N --close"},
    {"event.subscribe", "watch"},
    {"server.info", "info"},
    {"server.health", "doctor"},
};

static const struct term params[] = {
    {"vcpus", "--cpus"},        {"memory_mib", "--memory (in MiB)"},
    {"disks", "--disk"},        {"size_gib", "a disk's size (in GiB)"},
    {"iso", "--iso"},           {"kernel", "--kernel"},
    {"network", "--network"},   {"graphics", "--graphics"},
    {"firmware", "--firmware"}, {"boot", "--boot"},
    {"host", "--host"},         {"owner", "--owner"},
    {"user", "--user"},         {"tags", "--tag"},
    {"start", "--start"},       {"autostart", "--autostart"},
    {"target", "--target"},     {"grace_s", "--grace (in seconds)"},
};

static const char *find(const struct term *terms, size_t count, const char *word, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(terms[i].there) == length && memcmp(terms[i].there, word, length) == 0) {
            return terms[i].here;
        }
    }
    return NULL;
}

static const char *verb_of(const char *method, size_t length)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (verb->method != NULL && strlen(verb->method) == length &&
            memcmp(verb->method, method, length) == 0) {
            return verb->name;
        }
    }
    return find(methods, ARRAY_LENGTH(methods), method, length);
}

/* The length of a method at `text`, such as vm.list; 0: there is none. */
static size_t method_length(const char *text)
{
    static const char *const nouns[] = {"vm.",     "op.",      "user.",  "quota.", "host.",
                                        "image.",  "pool.",    "rpc.",   "event.", "network.",
                                        "server.", "console.", "audit.", "orphan."};
    for (size_t i = 0; i < ARRAY_LENGTH(nouns); i++) {
        size_t noun = strlen(nouns[i]);
        if (strncmp(text, nouns[i], noun) == 0) {
            size_t verb = strspn(text + noun, "abcdefghijklmnopqrstuvwxyz_");
            return verb == 0 ? 0 : noun + verb;
        }
    }
    return 0;
}

static bool ends_in(const struct buffer *text, const char *end)
{
    size_t length = strlen(end);
    return text->length >= length && memcmp(text->data + text->length - length, end, length) == 0;
}

/* What goes on, or was tried, has the verb's bare name; else it is what to type. */
static void add_method(struct buffer *out, const char *method, size_t length, int64_t op)
{
    const char *verb = verb_of(method, length);
    bool is_deed = out->length == 0 || ends_in(out, "busy with ") || ends_in(out, "answer ");
    if (verb == NULL) {
        buffer_add_text(out, "lodge call ");
        buffer_add(out, method, length);
        return;
    }
    buffer_add_text(out, is_deed ? "" : "lodge ");
    size_t before = strcspn(verb, "%");
    buffer_add(out, verb, before);
    if (verb[before] == '%' && op > 0) {
        buffer_add_format(out, "%" PRId64, op);
    } else if (verb[before] == '%') {
        buffer_add_text(out, "N");
    }
    buffer_add_text(out, verb[before] == '%' ? verb + before + 1 : "");
}

/* The quoted word at `text`, quotes included; 0: none is closed there. An apostrophe begins none.
 */
static size_t quoted_length(const char *whole, const char *text)
{
    if (*text != '\'' || (text > whole && isalnum((unsigned char)text[-1]))) {
        return 0;
    }
    const char *end = strchr(text + 1, '\'');
    while (end != NULL && isalnum((unsigned char)end[1])) {
        end = strchr(end + 1, '\'');
    }
    return end == NULL ? 0 : (size_t)(end - text) + 1;
}

static size_t add_quoted(struct buffer *out, const char *text, size_t length, const char *param)
{
    size_t inside = length - 2;
    bool is_param =
        param != NULL && strlen(param) == inside && memcmp(param, text + 1, inside) == 0;
    const char *flag = is_param ? find(params, ARRAY_LENGTH(params), text + 1, inside) : NULL;
    if (flag != NULL) {
        buffer_add_text(out, flag);
    } else {
        buffer_add(out, text, length);
    }
    return length;
}

static size_t add_backquoted(struct buffer *out, const char *text)
{
    const char *end = strchr(text + 1, '`');
    size_t inside = end == NULL ? 0 : (size_t)(end - text) - 1;
    const char *flag = find(params, ARRAY_LENGTH(params), text + 1, inside);
    if (flag == NULL) {
        buffer_add(out, text, 1);
        return 1;
    }
    buffer_add_text(out, flag);
    return inside + 2;
}

char *terms_for_people(const char *text, const char *param, int64_t op)
{
    struct buffer out = {0};
    for (const char *at = text; *at != '\0';) {
        bool begins = at == text || !isalnum((unsigned char)at[-1]);
        size_t quoted = quoted_length(text, at);
        size_t method = begins ? method_length(at) : 0;
        if (quoted > 0) {
            at += add_quoted(&out, at, quoted, param);
        } else if (*at == '`') {
            at += add_backquoted(&out, at);
        } else if (method > 0) {
            add_method(&out, at, method, op);
            at += method;
        } else {
            buffer_add(&out, at++, 1);
        }
    }
    char *words = buffer_take(&out);
    return words == NULL ? xstrdup(text) : words;
}
