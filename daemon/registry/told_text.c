/*
 * told_text: a text is walked from its start; at each place the first rule that knows what begins
 * there writes what may be heard of it, and says how far it goes. What no rule knows is copied.
 *
 * The same walk judges what libvirt said: where a rule cut anything, or a path or a quoted name is
 * in it of which nothing is known, none of it is told. Of errors that are no more than their text
 * (the store's rows, reasons, notes) libvirt's words cannot be told apart; there the rules cut.
 */
#include "registry/told_private.h"

#include "buffer.h"
#include "memory.h"
#include "scope.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANOTHER "another VM"
#define NOT_TOLD "(not told)"

enum { UUID = 36, MAC = 17, NAME_MAX_TOLD = 255 };

struct walk {
    struct registry *registry;
    const struct viewer *viewer;
    const struct told_about *about;
    bool is_libvirts; /* nothing in it is the reader's */
    bool is_cut;      /* something was not told, or in libvirt's text not known */
    const struct lodge_strings *secrets;
    struct buffer told;
};

/* A rule: how much of `text` from `at` it has dealt with; 0: it does not know it. */
typedef size_t rule_fn(struct walk *walk, const char *text, size_t at);

static bool is_letter(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_';
}

static bool is_of_name(char byte)
{
    return is_letter(byte) || byte == '-' || byte == '.';
}

static bool begins_word(const char *text, size_t at)
{
    return at == 0 || !is_of_name(text[at - 1]);
}

static size_t tell_instead(struct walk *walk, const char *instead, size_t length)
{
    buffer_add_text(&walk->told, instead);
    walk->is_cut = true;
    return length;
}

static size_t tell_as_is(struct walk *walk, const char *text, size_t length)
{
    buffer_add(&walk->told, text, length);
    return length;
}

/* Who is who */

static bool knows(struct walk *walk, const struct viewer *viewer, const char *name)
{
    struct lodge_error err = {0};
    return strchr(name, '/') == NULL && (registry_get(walk->registry, name, viewer, &err) != NULL ||
                                         err.kind == LODGE_ERROR_CONFLICT);
}

static bool is_texts_own(const struct walk *walk, const char *word)
{
    const struct told_about *about = walk->about;
    return (about->uuid != NULL && strcasecmp(about->uuid, word) == 0) ||
           (about->name != NULL && strcmp(about->name, word) == 0);
}

/* A VM, by name or uuid, that the reader sees or the text is about. */
static bool is_seen(struct walk *walk, const char *word)
{
    return is_texts_own(walk, word) || knows(walk, walk->viewer, word);
}

/* A VM that is there, and not for the reader. */
static bool is_hidden_vm(struct walk *walk, const char *word)
{
    static const struct viewer all = {.role = ROLE_ADMIN};
    return !is_seen(walk, word) && registry_find_host(walk->registry, word) == NULL &&
           knows(walk, &all, word);
}

static void copy_word(const char *text, size_t length, char ret_word[static NAME_MAX_TOLD + 1])
{
    (void)snprintf(ret_word, NAME_MAX_TOLD + 1, "%.*s",
                   (int)(length > NAME_MAX_TOLD ? NAME_MAX_TOLD : length), text);
}

static const struct vm *vm_of_text(const struct walk *walk)
{
    const struct told_about *about = walk->about;
    return about->host == NULL || about->uuid == NULL
               ? NULL
               : registry_find_vm(walk->registry, about->host, about->uuid);
}

/* What follows these words, to the end of the text, is for admins: what libvirt says of a host's
 * connection (asks.c, op_reason.c), or of somebody's files (uses.h). */
static size_t rule_rest(struct walk *walk, const char *text, size_t at)
{
    static const struct {
        const char *words, *instead;
    } rests[] = {
        {" is not up: ", " is not up: " TOLD_NOT_REACHED},
        {" that nobody uses it: ", " that nobody uses it"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rests); i++) {
        size_t length = strlen(rests[i].words);
        if (strncmp(text + at, rests[i].words, length) == 0 &&
            strncmp(text + at + length, TOLD_HOST_IS_GONE, sizeof TOLD_HOST_IS_GONE - 1) != 0) {
            return tell_instead(walk, rests[i].instead, strlen(text + at));
        }
    }
    return 0;
}

/* Hosts */

static size_t rule_uri(struct walk *walk, const char *text, size_t at)
{
    size_t scheme = begins_word(text, at) ? strspn(text + at, "abcdefghijklmnopqrstuvwxyz"
                                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                              "0123456789+-.")
                                          : 0;
    if (scheme == 0 || strncmp(text + at + scheme, "://", 3) != 0) {
        return 0;
    }
    size_t length = strcspn(text + at, " \t\n'\"<>");
    while (strchr(":,;.)", text[at + length - 1]) != NULL) {
        length--;
    }
    return tell_instead(walk, "an address", length);
}

/* ssh and libvirt name what a URI is made of without the URI. */
static size_t rule_secret(struct walk *walk, const char *text, size_t at)
{
    for (size_t i = 0; i < walk->secrets->count && begins_word(text, at); i++) {
        const char *secret = walk->secrets->items[i];
        size_t length = strlen(secret);
        if (strncasecmp(text + at, secret, length) == 0 && !is_letter(text[at + length]) &&
            text[at + length] != '-') {
            return tell_instead(walk, NOT_TOLD, length);
        }
    }
    return 0;
}

/* Files */

static bool has_path(const struct vm *vm, const char *path)
{
    return vm_row_has_path(vm, path) || vm_domain_has_path(vm, path);
}

/* Lodge calls a VM's files by its uuid. */
static bool is_own_path(struct walk *walk, const char *text, size_t length)
{
    AUTO(free) char *path = xstrndup(text, length);
    const struct vm *vm = vm_of_text(walk);
    const char *last = strrchr(path, '/') + 1;
    char uuid[NAME_MAX_TOLD + 1];
    copy_word(last, UUID, uuid);
    return (vm != NULL && vm_is_visible(vm, walk->viewer) && has_path(vm, path)) ||
           (strlen(uuid) == UUID && is_seen(walk, uuid));
}

/* Without quotes a path may have blanks: what follows one and has a '/' in it belongs to it. */
static size_t path_length(const char *text, char before)
{
    const char *end = before == '\'' || before == '"' ? strchr(text, before) : NULL;
    if (end != NULL) {
        return (size_t)(end - text);
    }
    static const char ends[] = " \t\n'\"()[];,<>|";
    size_t length = strcspn(text, ends);
    while (text[length] == ' ') {
        size_t next = strcspn(text + length + 1, ends);
        const char *slash = memchr(text + length + 1, '/', next);
        if (slash == NULL || slash == text + length + 1 || slash[1] == '/' ||
            !is_of_name(slash[1])) {
            break;
        }
        length += 1 + next;
    }
    while (length > 1 && strchr(":.", text[length - 1]) != NULL) {
        length--;
    }
    return length;
}

static size_t rule_path(struct walk *walk, const char *text, size_t at)
{
    const char *before = at == 0 ? " " : text + at - 1;
    if (text[at] != '/' || !is_of_name(text[at + 1])) {
        return 0;
    }
    if (strchr(" \t\n'\"(=:,[<", *before) == NULL) {
        walk->is_cut |= walk->is_libvirts; /* who knows where such a path begins */
        return 0;
    }
    static const char based[] = " is based on it"; /* uses.h */
    const char *end = strstr(text + at, based);
    size_t whole = end == NULL ? 0 : (size_t)(end - (text + at));
    if (end != NULL && memmem(text + at, whole, ": ", 2) == NULL) {
        return is_own_path(walk, text + at, whole) ? tell_as_is(walk, text + at, whole)
                                                   : tell_instead(walk, "another volume", whole);
    }
    size_t length = path_length(text + at, *before);
    return is_own_path(walk, text + at, length) ? tell_as_is(walk, text + at, length)
                                                : tell_instead(walk, "a path", length);
}

/* VMs */

/* With what libvirt calls it too: "no domain with matching uuid 'UUID' (NAME)". */
static size_t cut_vm(struct walk *walk, const char *text, size_t length)
{
    const char *after = text + length;
    const char *name = after + (*after == '\'');
    const char *end = strncmp(name, " (", 2) == 0 ? strchr(name, ')') : NULL;
    (void)tell_instead(walk, ANOTHER, length);
    if (end == NULL) {
        return length;
    }
    (void)tell_as_is(walk, after, (size_t)(name - after));
    return (size_t)(end + 1 - text);
}

static size_t rule_uuid(struct walk *walk, const char *text, size_t at)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (walk->about->is_answer || !begins_word(text, at)) {
        return 0;
    }
    for (size_t i = 0; i < UUID; i++) {
        if (form[i] == '-' ? text[at + i] != '-' : !isxdigit((unsigned char)text[at + i])) {
            return 0;
        }
    }
    char uuid[NAME_MAX_TOLD + 1];
    copy_word(text + at, UUID, uuid);
    if (is_letter(text[at + UUID]) || is_seen(walk, uuid)) {
        return 0;
    }
    return cut_vm(walk, text + at, UUID);
}

static bool has_mac(const struct vm *vm, const char *mac)
{
    for (size_t i = 0; vm != NULL && i < vm->facts.nics.count; i++) {
        const char *own = vm->facts.nics.items[i].mac;
        if (own != NULL && strcasecmp(own, mac) == 0) {
            return true;
        }
    }
    return false;
}

static size_t rule_mac(struct walk *walk, const char *text, size_t at)
{
    for (size_t i = 0; i < MAC; i++) {
        if (i % 3 == 2 ? text[at + i] != ':' : !isxdigit((unsigned char)text[at + i])) {
            return 0;
        }
    }
    char mac[NAME_MAX_TOLD + 1];
    copy_word(text + at, MAC, mac);
    bool is_mac = begins_word(text, at) && !is_letter(text[at + MAC]) && text[at + MAC] != ':';
    return !is_mac ? 0 : has_mac(vm_of_text(walk), mac) ? 0 : tell_instead(walk, NOT_TOLD, MAC);
}

/* Up to the quote that ends a name, which may have one within; to the clause's end without. */
static size_t name_length(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '\'' && strchr(",;:.) ", text[i + 1]) != NULL) { /* or the text's end */
            return i;
        }
    }
    return strcspn(text, ";");
}

/* The name at `text`, which stands behind a quote; `with` stands before it if it is told, or if
 * that is not what it is. Returns how far it goes. */
static size_t tell_name(struct walk *walk, const char *text, const char *with, size_t with_length)
{
    char name[NAME_MAX_TOLD + 1];
    size_t length = name_length(text);
    size_t whole = length + (text[length] == '\'');
    copy_word(text, length, name);
    bool is_told = is_seen(walk, name);
    bool is_list = strncasecmp(with, "waits", 5) == 0;
    if (is_told || is_list) {
        (void)tell_as_is(walk, with, with_length);
    }
    if (!is_told) {
        return tell_instead(walk, ANOTHER, whole);
    }
    buffer_add_char(&walk->told, '\'');
    return tell_as_is(walk, text, whole);
}

/* Where a text says that what comes is a VM's name. */
static size_t rule_named(struct walk *walk, const char *text, size_t at)
{
    static const char *const leads[] = {"VM '", "waits for '", "domain '"};
    size_t lead = 0;
    for (size_t i = 0; lead == 0 && i < ARRAY_LENGTH(leads); i++) {
        size_t length = strlen(leads[i]);
        lead = strncasecmp(text + at, leads[i], length) == 0 ? length : 0;
    }
    /* "no VM 'NAME'" is what whoever asked for it hears. */
    bool is_asked_for = at >= 3 && strncmp(text + at - 3, "no ", 3) == 0;
    if (lead == 0 || !begins_word(text, at) || is_asked_for) {
        return 0;
    }
    size_t used = lead + tell_name(walk, text + at + lead, text + at, lead - 1);
    while (strncmp(text + at + used, ", '", 3) == 0) {
        (void)tell_as_is(walk, ", ", 2);
        used += 3;
        used += tell_name(walk, text + at + used, "", 0);
    }
    return used;
}

/* What stands behind that quote is no VM's name, or one that the reader has just said. */
static bool is_other_thing(const char *text, size_t quote)
{
    static const char *const things[] = {"no VM ", "network ", "pool ", "image ", "disk ", "host "};
    for (size_t i = 0; i < ARRAY_LENGTH(things); i++) {
        size_t length = strlen(things[i]);
        if (quote >= length && strncmp(text + quote - length, things[i], length) == 0) {
            return true;
        }
    }
    return false;
}

static size_t rule_quoted(struct walk *walk, const char *text, size_t at)
{
    bool opens = (text[at] == '\'' || text[at] == '"') && begins_word(text, at);
    const char *end = opens && !is_other_thing(text, at) ? strchr(text + at + 1, text[at]) : NULL;
    if (end == NULL || walk->about->is_answer || text[at + 1] == '/') {
        return 0;
    }
    char word[NAME_MAX_TOLD + 1];
    size_t length = (size_t)(end - (text + at + 1));
    copy_word(text + at + 1, length, word);
    if (is_hidden_vm(walk, word)) {
        return cut_vm(walk, text + at, length + 2);
    }
    walk->is_cut |= walk->is_libvirts && !is_seen(walk, word) &&
                    registry_find_host(walk->registry, word) == NULL;
    return 0;
}

/* A name without quotes, unless it could be a word of the text. */
static size_t rule_bare(struct walk *walk, const char *text, size_t at)
{
    size_t length = 0;
    bool is_no_word = walk->is_libvirts;
    while (is_of_name(text[at + length])) {
        is_no_word |= !isalpha((unsigned char)text[at + length]);
        length++;
    }
    while (length > 0 && text[at + length - 1] == '.') {
        length--;
    }
    bool is_quoted = at > 0 && text[at - 1] == '\'';
    if (length == 0 || walk->about->is_answer || !is_no_word || !begins_word(text, at) ||
        (is_quoted && is_other_thing(text, at - 1))) {
        return 0;
    }
    char word[NAME_MAX_TOLD + 1];
    copy_word(text + at, length, word);
    return is_hidden_vm(walk, word) ? tell_instead(walk, ANOTHER, length) : 0;
}

/* In this order: what is a path is not looked through for names. */
static rule_fn *const rules[] = {
    rule_rest,   rule_uri,   rule_path,   rule_uuid, rule_mac,
    rule_secret, rule_named, rule_quoted, rule_bare,
};

static char *walk_text(struct walk *walk, const char *text)
{
    walk->secrets = told_secrets(walk->registry);
    for (size_t at = 0; text[at] != '\0';) {
        size_t used = 0;
        for (size_t i = 0; used == 0 && i < ARRAY_LENGTH(rules); i++) {
            used = rules[i](walk, text, at);
        }
        at += used > 0 ? used : tell_as_is(walk, text + at, 1);
    }
    buffer_add_text(&walk->told, "");
    char *told = walk->told.length == 0 ? xstrdup("") : buffer_take(&walk->told);
    buffer_free(&walk->told);
    if (told == NULL) {
        abort(); /* out of memory, as xmalloc */
    }
    return told;
}

char *told_text(struct registry *registry, const struct viewer *viewer,
                const struct told_about *about, const char *text)
{
    if (text == NULL || viewer->role == ROLE_ADMIN) {
        return xstrdup_or_null(text);
    }
    return walk_text(&(struct walk){.registry = registry, .viewer = viewer, .about = about}, text);
}

bool told_is_clean(struct registry *registry, const struct viewer *viewer,
                   const struct told_about *about, const char *text)
{
    struct told_about strict = *about;
    strict.is_answer = false;
    struct walk walk = {
        .registry = registry, .viewer = viewer, .about = &strict, .is_libvirts = true};
    free(walk_text(&walk, text));
    return !walk.is_cut;
}
