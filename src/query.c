/*
 * query: a text becomes a row of terms; a VM matches when each of them does.
 *
 * What a key means is one row of a table: how its value is read and how it looks at a VM. A parsed
 * query is one block of memory with a copy of its text, which the terms point into.
 */
#include "query.h"

#include "contract/contract.h"
#include "scope.h"
#include "units.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(struct query *, query_free, NULL);

enum { QUERY_BYTES = 1024, QUERY_TERMS = 64 };

enum comparison { IS, IS_ABOVE, IS_AT_LEAST, IS_BELOW, IS_AT_MOST };

struct key;

struct term {
    const struct key *key;
    bool negated;
    int column; /* of the key, from 1 */
    enum comparison comparison;
    const char *text; /* facts, but state */
    bool is_glob;
    uint64_t states; /* bit per enum lodge_vm_state that matches */
    double number;   /* quantities */
};

struct query {
    size_t count;
    struct term *terms; /* behind the struct, and behind them the text */
    char *text;
};

/* One row per key: facts have `matches`, quantities `quantity`, which is NAN while unknown. */
struct key {
    const char *name;
    const char *example; /* for messages */
    bool is_sample;
    /* Puts the value into the term; false without an error when it is no number. */
    bool (*read)(const char *value, struct term *term, struct lodge_error *err);
    bool (*matches)(const struct term *term, const struct lodge_vm *vm);
    double (*quantity)(const struct lodge_vm *vm);
};

static bool fail_at(struct lodge_error *err, int column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The message names the column too, for those who see only it. */
static bool fail_at(struct lodge_error *err, int column, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)length; /* what is too long is cut: its start says what happened */
    err->column = column;
    return lodge_fail(err, LODGE_ERROR_INVALID, "column %d: %s", column, what);
}

static bool same_letter(int a, int b, bool fold_case)
{
    return a == b || (fold_case && tolower(a) == tolower(b));
}

/* A star is tried at its shortest and lengthened when the rest does not fit: only the last star can
 * matter, so there is no recursion. */
static bool matches_glob(const char *pattern, const char *text, bool fold_case)
{
    const char *after_star = NULL;
    const char *resume = NULL; /* where the star's run would end next */
    while (*text != '\0') {
        int wanted = (unsigned char)*pattern;
        int given = (unsigned char)*text;
        if (wanted == '*') {
            after_star = ++pattern;
            resume = text;
        } else if (wanted == '?' || same_letter(wanted, given, fold_case)) {
            pattern++;
            text++;
        } else if (after_star != NULL) {
            pattern = after_star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

bool glob_matches(const char *pattern, const char *text)
{
    return matches_glob(pattern, text, false);
}

static bool fact_matches(const struct term *term, const char *fact)
{
    if (fact == NULL) {
        return false;
    }
    return term->is_glob ? glob_matches(term->text, fact) : strcmp(term->text, fact) == 0;
}

static bool word_matches(const struct term *term, const struct lodge_vm *vm)
{
    if (vm->name == NULL) {
        return false;
    }
    return term->is_glob ? matches_glob(term->text, vm->name, true)
                         : strcasestr(vm->name, term->text) != NULL;
}

static bool state_matches(const struct term *term, const struct lodge_vm *vm)
{
    return (term->states >> vm->state & 1) != 0;
}

static bool owner_matches(const struct term *term, const struct lodge_vm *vm)
{
    return fact_matches(term, vm->owner);
}

static bool host_matches(const struct term *term, const struct lodge_vm *vm)
{
    return fact_matches(term, vm->host);
}

static bool tag_matches(const struct term *term, const struct lodge_vm *vm)
{
    for (size_t i = 0; i < vm->tags.count; i++) {
        if (fact_matches(term, vm->tags.items[i])) {
            return true;
        }
    }
    return false;
}

static bool pending_matches(const struct term *term, const struct lodge_vm *vm)
{
    for (size_t i = 0; i < vm->pending.count; i++) {
        const char *member = vm->pending.items[i];
        if (fact_matches(term, member) || fact_matches(term, lodge_vm_waiting_words(member))) {
            return true;
        }
    }
    return false;
}

static bool name_matches(const struct term *term, const struct lodge_vm *vm)
{
    return fact_matches(term, vm->name);
}

static bool uuid_matches(const struct term *term, const struct lodge_vm *vm)
{
    return vm->uuid[0] != '\0' && matches_glob(term->text, vm->uuid, true);
}

static double known(int64_t value)
{
    return value == LODGE_UNKNOWN ? NAN : (double)value;
}

static double cpu_quantity(const struct lodge_vm *vm)
{
    return vm->stats.cpu_percent;
}

static double mem_percent_quantity(const struct lodge_vm *vm)
{
    return vm->memory_mib > 0 ? known(vm->stats.memory_used_mib) * 100 / (double)vm->memory_mib
                              : NAN;
}

static double vcpus_quantity(const struct lodge_vm *vm)
{
    return known(vm->vcpus);
}

static double mem_quantity(const struct lodge_vm *vm)
{
    return known(vm->memory_mib);
}

static bool read_fact(const char *value, struct term *term, struct lodge_error *err)
{
    (void)err;
    term->text = value;
    term->is_glob = strpbrk(value, "*?") != NULL;
    return true;
}

static bool read_state(const char *value, struct term *term, struct lodge_error *err)
{
    for (size_t i = 1; i < lodge_vm_state_names.count; i++) {
        if (glob_matches(value, lodge_vm_state_names.words[i])) {
            term->states |= UINT64_C(1) << i;
        }
    }
    if (term->states != 0) {
        return true;
    }
    char words[160] = "";
    for (size_t i = 1, used = 0; i < lodge_vm_state_names.count && used < sizeof words; i++) {
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i > 1 ? ", " : "",
                                 lodge_vm_state_names.words[i]);
    }
    return fail_at(err, term->column + (int)strlen("state:"),
                   "no state is called '%.40s'; there are %s", value, words);
}

/* By the contract's word or the user's. */
static bool read_pending(const char *value, struct term *term, struct lodge_error *err)
{
    char words[120] = "";
    const char *member = NULL;
    (void)read_fact(value, term, err);
    for (size_t i = 0, used = 0;
         (member = lodge_vm_waiting_member(i)) != NULL && used < sizeof words; i++) {
        if (fact_matches(term, member) || fact_matches(term, lodge_vm_waiting_words(member))) {
            return true;
        }
        used += (size_t)snprintf(words + used, sizeof words - used, ", %s", member);
    }
    return fail_at(err, term->column + (int)strlen("pending:"),
                   "'%.40s' cannot wait for a boot; there are *%s", value, words);
}

static bool read_percent(const char *value, struct term *term, struct lodge_error *err)
{
    (void)err;
    return percent_from_text(value, &term->number);
}

static bool count_read(const char *value, struct term *term, struct lodge_error *err)
{
    (void)err;
    return number_from_text(value, &term->number);
}

static bool read_size(const char *value, struct term *term, struct lodge_error *err)
{
    (void)err;
    int64_t mib = 0;
    bool is_size = size_from_text(value, &mib);
    term->number = (double)mib;
    return is_size;
}

static const struct key bare_word = {.name = "", .read = read_fact, .matches = word_matches};

static const struct key keys[] = {
    {"state", "state:running", .read = read_state, .matches = state_matches},
    {"owner", "owner:bob", .read = read_fact, .matches = owner_matches},
    {"host", "host:h1", .read = read_fact, .matches = host_matches},
    {"tag", "tag:ci", .read = read_fact, .matches = tag_matches},
    {"pending", "pending:*", .read = read_pending, .matches = pending_matches},
    {"name", "name:web*", .read = read_fact, .matches = name_matches},
    {"uuid", "uuid:9c1e*", .read = read_fact, .matches = uuid_matches},
    {"cpu", "cpu>50", .is_sample = true, .read = read_percent, .quantity = cpu_quantity},
    {"mem%", "mem%>90", .is_sample = true, .read = read_percent, .quantity = mem_percent_quantity},
    {"vcpus", "vcpus>=4", .read = count_read, .quantity = vcpus_quantity},
    {"mem", "mem>=4G", .read = read_size, .quantity = mem_quantity},
};

static const struct key *key_find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strlen(keys[i].name) == length && memcmp(keys[i].name, name, length) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

static bool fail_unknown_key(struct lodge_error *err, int column, const char *name, int length)
{
    char names[120] = "";
    for (size_t i = 0, used = 0; i < ARRAY_LENGTH(keys) && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 keys[i].name);
    }
    return fail_at(err, column, "no key is called '%.*s'; there are %s", length > 40 ? 40 : length,
                   name, names);
}

/* The comparison that `sign` starts with, and what follows it. */
static const char *read_comparison(const char *sign, enum comparison *ret_comparison)
{
    bool or_equal = sign[0] != '=' && sign[1] == '=';
    switch (sign[0]) {
    case '>':
        *ret_comparison = or_equal ? IS_AT_LEAST : IS_ABOVE;
        break;
    case '<':
        *ret_comparison = or_equal ? IS_AT_MOST : IS_BELOW;
        break;
    default: /* ':' of a fact and '=' of a quantity */
        *ret_comparison = IS;
        return sign + 1;
    }
    return sign + 1 + or_equal;
}

/* One term: `word` is NUL-terminated and not empty, `column` is its place in the query. */
static bool read_term(const char *word, int column, struct term *term, struct lodge_error *err)
{
    term->negated = word[0] == '!';
    const char *name = word + term->negated;
    term->column = column + term->negated;
    if (*name == '\0') {
        return fail_at(err, column, "'!' wants a term right behind it, as in !tag:old");
    }
    size_t length = strcspn(name, ":<>=");
    const char *sign = name + length;
    if (*sign == '\0') {
        term->key = &bare_word;
        return term->key->read(name, term, err);
    }
    term->key = key_find(name, length);
    if (term->key == NULL) {
        return fail_unknown_key(err, term->column, name, (int)length);
    }
    int operator_column = term->column + (int)length;
    if (term->key->matches != NULL && *sign != ':') {
        return fail_at(err, operator_column, "'%s' wants ':', as in %s", term->key->name,
                       term->key->example);
    }
    if (term->key->quantity != NULL && *sign == ':') {
        return fail_at(err, operator_column, "'%s' wants one of > >= < <= =, as in %s",
                       term->key->name, term->key->example);
    }
    const char *value = read_comparison(sign, &term->comparison);
    int value_column = term->column + (int)(value - name);
    if (*value == '\0') {
        return fail_at(err, value_column, "'%s' wants a value, as in %s", term->key->name,
                       term->key->example);
    }
    bool is_read = term->key->read(value, term, err);
    if (!is_read && err->kind == LODGE_ERROR_NONE) {
        return fail_at(err, value_column, "'%.40s' is no number for '%s'; write it as in %s", value,
                       term->key->name, term->key->example);
    }
    return is_read;
}

static const char spaces[] = " \t\r\n";

static size_t count_words(const char *text)
{
    size_t count = 0;
    for (text += strspn(text, spaces); *text != '\0'; text += strspn(text, spaces)) {
        text += strcspn(text, spaces);
        count++;
    }
    return count;
}

struct query *query_parse(const char *text, struct lodge_error *err)
{
    size_t length = strnlen(text, QUERY_BYTES + 1);
    if (length > QUERY_BYTES) {
        fail_at(err, QUERY_BYTES + 1, "a query has at most %d bytes", QUERY_BYTES);
        return NULL;
    }
    size_t count = count_words(text);
    AUTO(query_free)
    struct query *query = calloc(1, sizeof *query + count * sizeof(struct term) + length + 1);
    if (query == NULL) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    query->terms = (struct term *)(query + 1);
    query->text = memcpy(query->terms + count, text, length + 1);

    char *word = query->text + strspn(query->text, spaces);
    while (*word != '\0') {
        int column = (int)(word - query->text) + 1;
        if (query->count == QUERY_TERMS) {
            fail_at(err, column, "a query has at most %d terms", QUERY_TERMS);
            return NULL;
        }
        char *end = word + strcspn(word, spaces);
        char *next = end + strspn(end, spaces);
        *end = '\0';
        if (!read_term(word, column, &query->terms[query->count], err)) {
            return NULL;
        }
        query->count++;
        word = next;
    }
    return TAKE(query);
}

static bool compares(enum comparison comparison, double left, double right)
{
    switch (comparison) { /* NAN, what is unknown, compares with nothing */
    case IS:
        return left == right;
    case IS_ABOVE:
        return left > right;
    case IS_AT_LEAST:
        return left >= right;
    case IS_BELOW:
        return left < right;
    case IS_AT_MOST:
        return left <= right;
    }
    return false;
}

bool query_matches(const struct query *query, const struct lodge_vm *vm)
{
    for (size_t i = 0; i < query->count; i++) {
        const struct term *term = &query->terms[i];
        bool matches = term->key->matches != NULL
                           ? term->key->matches(term, vm)
                           : compares(term->comparison, term->key->quantity(vm), term->number);
        if (matches == term->negated) {
            return false;
        }
    }
    return true;
}

int query_sample_column(const struct query *query)
{
    for (size_t i = 0; i < query->count; i++) {
        if (query->terms[i].key->is_sample) {
            return query->terms[i].column;
        }
    }
    return 0;
}

void query_free(struct query *query)
{
    free(query);
}
