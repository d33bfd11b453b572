/*
 * terms: tables, and one walk over a text. A method is one of those in the tables that stands by
 * itself, a parameter what lodged says must be so and so, or has put in backquotes. No state.
 */
#include "cli/terms.h"

#include "buffer.h"
#include "cli/verb_table.h"
#include "memory.h"
#include "scope.h"
#include "units.h"

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

/* Those that are known by their own names on the command line too. */
static const char *const called[] = {"network.list",         "pool.list",     "server.compare",
                                     "server.set_log_level", "orphan.delete", "rpc.discover"};

static const struct param {
    const char *name;
    enum flag_bit flag;
    const char *unit; /* that the contract counts it in, and the flag need not */
} params[] = {
    {"vcpus", FLAG_CPUS, ""},        {"memory_mib", FLAG_MEMORY, " (in MiB)"},
    {"disks", FLAG_DISK, ""},        {"iso", FLAG_ISO, ""},
    {"kernel", FLAG_KERNEL, ""},     {"network", FLAG_NETWORK, ""},
    {"graphics", FLAG_GRAPHICS, ""}, {"firmware", FLAG_FIRMWARE, ""},
    {"boot", FLAG_BOOT, ""},         {"host", FLAG_HOST, ""},
    {"owner", FLAG_OWNER, ""},       {"tags", FLAG_TAG, ""},
    {"user", FLAG_USER, ""},         {"start", FLAG_START, ""},
    {"target", FLAG_TARGET, ""},     {"grace_s", FLAG_GRACE, " (in seconds)"},
    {"name", FLAG_NAME, ""},         {"autostart", FLAG_AUTOSTART, ""},
};

static bool is_word(const char *word, const char *text, size_t length)
{
    return strlen(word) == length && memcmp(word, text, length) == 0;
}

/* What to type for a method; NULL: there is no such method, or none that anybody is told of. */
static const char *verb_of(const char *method, size_t length)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (verb->method != NULL && is_word(verb->method, method, length)) {
            return verb->name;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        if (is_word(methods[i].there, method, length)) {
            return methods[i].here;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(called); i++) {
        if (is_word(called[i], method, length)) {
            return called[i];
        }
    }
    return NULL;
}

/* The length of a method at `at`, which stands by itself there; 0: there is none. A path, a host's
 * name or a unit of systemd's may look like one from its middle on. */
static size_t method_length(const char *text, const char *at)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    bool begins = at == text || at[-1] == ' ' || at[-1] == '(';
    size_t noun = strspn(at, letters);
    if (!begins || noun == 0 || at[noun] != '.') {
        return 0;
    }
    size_t length = noun + 1 + strspn(at + noun + 1, letters);
    bool ends = at[length] == '\0' || strchr(" ),;:", at[length]) != NULL;
    bool is_subject = at == text && at[length] != ' '; /* a VM may be called so */
    return ends && !is_subject && verb_of(at, length) != NULL ? length : 0;
}

static bool text_ends_in(const struct buffer *text, const char *end)
{
    size_t length = strlen(end);
    return text->length >= length && memcmp(text->data + text->length - length, end, length) == 0;
}

/* With the operation's number, where its verb wants one. */
static void add_verb(struct buffer *out, const char *verb, int64_t op)
{
    size_t before = strcspn(verb, "%");
    buffer_add(out, verb, before);
    if (verb[before] == '%' && op > 0) {
        buffer_add_format(out, "%" PRId64, op);
    } else if (verb[before] == '%') {
        buffer_add_text(out, "N");
    }
    buffer_add_text(out, verb[before] == '%' ? verb + before + 1 : "");
}

/* Whom it is said to. */
struct tongue {
    int64_t op;           /* that it is about, or 0 */
    uint64_t taken;       /* flags that the verb takes */
    terms_key_fn *key_of; /* in the TUI; NULL: on a command line */
    const void *data;     /* for it */
};

/* What goes on, or was tried, has the verb's bare name; else it is what to type: a key, where there
 * is one for it. */
static void add_method(struct buffer *out, const char *method, size_t length,
                       const struct tongue *tongue)
{
    const char *verb = verb_of(method, length);
    bool is_deed =
        out->length == 0 || text_ends_in(out, "busy with ") || text_ends_in(out, "answer ");
    bool has_no_verb = strchr(verb, '.') != NULL;
    const char *key = is_deed || tongue->key_of == NULL ? NULL : tongue->key_of(tongue->data, verb);
    if (key != NULL) {
        buffer_add_format(out, "key %s", key);
        return;
    }
    buffer_add_text(out, has_no_verb ? "lodge call " : is_deed ? "" : "lodge ");
    add_verb(out, verb, tongue->op);
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

static const char *text_of_flag(enum flag_bit bit)
{
    for (const struct flag *flag = flags; flag->flag != NULL; flag++) {
        if (flag->bit == bit) {
            return flag->flag;
        }
    }
    return NULL;
}

const char *terms_flag(const char *param)
{
    for (size_t i = 0; i < ARRAY_LENGTH(params); i++) {
        if (strcmp(params[i].name, param) == 0) {
            return text_of_flag(params[i].flag);
        }
    }
    return NULL;
}

/* Of those that the verb takes; NULL: it is none. */
static const struct param *find_param(const char *name, size_t length, const struct tongue *tongue)
{
    for (size_t i = 0; i < ARRAY_LENGTH(params); i++) {
        bool is_taken = (tongue->taken & (uint64_t)params[i].flag) != 0;
        if (is_taken && is_word(params[i].name, name, length)) {
            return &params[i];
        }
    }
    return NULL;
}

static void add_flag_name(struct buffer *out, const struct param *param,
                          const struct tongue *tongue)
{
    const char *flag = text_of_flag(param->flag);
    buffer_add_text(out, tongue->key_of == NULL ? flag : flag + strspn(flag, "-"));
}

/* " must be from 16 to 1024", of MiB, in sizes as they are typed; how much of `text` that was, 0:
 * it says something else. */
static size_t add_sizes(struct buffer *out, const char *text)
{
    static const char before[] = " must be from ";
    static const char between[] = " to ";
    char *end = NULL;
    char least[UNIT_TEXT], most[UNIT_TEXT];
    if (strncmp(text, before, sizeof before - 1) != 0) {
        return 0;
    }
    int64_t from = strtoll(text + sizeof before - 1, &end, 10);
    if (strncmp(end, between, sizeof between - 1) != 0) {
        return 0;
    }
    int64_t to = strtoll(end + sizeof between - 1, &end, 10);
    buffer_add_format(out, "%s%s%s%s", before, size_text(least, from), between,
                      size_text(most, to));
    return (size_t)(end - text);
}

/* Somebody's name, unless lodged says there what a parameter must be. */
static size_t add_quoted_word(struct buffer *out, const char *text, size_t length,
                              const struct tongue *tongue)
{
    static const char *const behind[] = {" must ", " may name ", " names "};
    bool is_param = text_ends_in(out, "parameter ");
    for (size_t i = 0; i < ARRAY_LENGTH(behind); i++) {
        is_param |= strncmp(text + length, behind[i], strlen(behind[i])) == 0;
    }
    const struct param *param = is_param ? find_param(text + 1, length - 2, tongue) : NULL;
    if (param == NULL) {
        buffer_add(out, text, length);
        return length;
    }
    add_flag_name(out, param, tongue);
    size_t sizes = param->flag == FLAG_MEMORY ? add_sizes(out, text + length) : 0;
    buffer_add_text(out, sizes == 0 ? param->unit : "");
    return length + sizes;
}

/* `start`, or `network: null`. */
static size_t add_backquoted(struct buffer *out, const char *text, const struct tongue *tongue)
{
    const char *end = strchr(text + 1, '`');
    size_t inside = end == NULL ? 0 : (size_t)(end - text) - 1;
    size_t name = strcspn(text + 1, ":`");
    const struct param *param =
        inside == 0 ? NULL : find_param(text + 1, name < inside ? name : inside, tongue);
    if (param == NULL) {
        buffer_add(out, text, 1);
        return 1;
    }
    add_flag_name(out, param, tongue);
    buffer_add_text(out, param->unit);
    const char *value = text + 1 + name + strspn(text + 1 + name, ": ");
    if (value < end) {
        size_t length = (size_t)(end - value);
        buffer_add_text(out, " ");
        buffer_add(out, is_word("null", value, length) ? "none" : value, length);
    }
    return inside + 2;
}

static char *said_to(const char *text, const struct tongue *tongue)
{
    struct buffer out = {0};
    for (const char *at = text; *at != '\0';) {
        size_t quoted = quoted_length(text, at);
        size_t method = method_length(text, at);
        if (quoted > 0) {
            at += add_quoted_word(&out, at, quoted, tongue);
        } else if (*at == '`') {
            at += add_backquoted(&out, at, tongue);
        } else if (method > 0) {
            add_method(&out, at, method, tongue);
            at += method;
        } else {
            buffer_add(&out, at++, 1);
        }
    }
    char *words = buffer_take(&out);
    return words == NULL ? xstrdup(text) : words;
}

char *terms_for_people(const char *text, int64_t op, uint64_t taken)
{
    return said_to(text, &(struct tongue){.op = op, .taken = taken});
}

char *terms_for_keys(const char *text, int64_t op, terms_key_fn *key_of, const void *data)
{
    return said_to(text, &(struct tongue){op, TERMS_ANY_FLAG, key_of, data});
}

const char *terms_verb(const char *kind)
{
    const char *verb = kind == NULL ? "" : verb_of(kind, strlen(kind));
    return verb == NULL ? kind : verb;
}

char *terms_what(const char *kind, int64_t op)
{
    struct buffer out = {0};
    add_verb(&out, terms_verb(kind), op);
    char *words = buffer_take(&out);
    return words == NULL ? xstrdup("") : words;
}
