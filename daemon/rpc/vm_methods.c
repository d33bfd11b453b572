/* vm.*: lists and single VMs, as the registry knows them. */
#include "contract/contract.h"
#include "memory.h"
#include "reads/display_calls.h"
#include "reads/reads.h"
#include "refusals.h"
#include "registry/render.h"
#include "rpc/filter.h"
#include "rpc/named_vm.h"
#include "scope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = METHOD_TEXT_MAX, LIMIT_MAX = 1000000 };

struct vm_list {
    char *query;
    char *host;
    char *owner;
    enum lodge_vm_state state;
    char *name;
    char *tag;
    struct lodge_strings fields;
    int64_t limit;
    char *cursor;
};

#define AT(member) .offset = offsetof(struct vm_list, member)
static const struct field vm_list_params[] = {
    {"query", FIELD_STRING, AT(query), .max = FILTER_TEXT_MAX, .help = "the filter language"},
    {"host", FIELD_STRING, AT(host), .min = 1, .max = TEXT_MAX, .help = "on this host"},
    {"owner", FIELD_STRING, AT(owner), .min = 1, .max = TEXT_MAX, .help = "of this user"},
    {"state", FIELD_ENUM, AT(state), .names = &lodge_vm_state_names, .help = "in this state"},
    {"name", FIELD_STRING, AT(name), .min = 1, .max = TEXT_MAX,
     .help = "called so; * and ? are globs"},
    {"tag", FIELD_STRING, AT(tag), .min = 1, .max = TEXT_MAX, .help = "with this tag"},
    {"fields", FIELD_STRINGS, AT(fields), .max = 64, .help = "members to show beside the key"},
    {"limit", FIELD_INT, AT(limit), .min = 1, .max = LIMIT_MAX, .help = "at most so many"},
    {"cursor", FIELD_STRING, AT(cursor), .max = INT64_C(3) * TEXT_MAX,
     .help = "of the page before"},
    {.type = FIELD_END},
};
#undef AT

struct vm_list_result {
    int64_t rev;
    struct {
        struct lodge_vm *items;
        size_t count;
    } vms;
    char *cursor;
    struct lodge_strings incomplete;
};

#define AT(member) .offset = offsetof(struct vm_list_result, member)
static const struct field vm_list_result[] = {
    {"rev", FIELD_INT, AT(rev), .help = "all that was up to this revision is in it"},
    {"vms", FIELD_OBJECTS, AT(vms), .size = sizeof(struct lodge_vm), .fields = lodge_vm_fields,
     .required = true, .help = "in the order of host, name, uuid"},
    {"cursor", FIELD_STRING, AT(cursor), .help = "for the next page, if there is one"},
    {"incomplete", FIELD_STRINGS, AT(incomplete), .required = true,
     .help = "hosts that have not, or no longer, been read"},
    {.type = FIELD_END},
};
#undef AT

/* A list on its way: what is asked of it, and where it stands. */
struct listing {
    struct call_work work; /* first */
    const struct vm_list *params;
    struct viewer viewer;
    struct query *query;
    struct render_choice choice;
    char *after; /* the cursor of what was looked at last; NULL: nothing was */
    char *last;  /* … and of what was written last */
    int64_t written;
    struct buffer result;
};

/* How often the time is looked at: a filter may have 64 globs. */
enum { VMS_PER_LOOK = 16, FILTERED_PER_LOOK = 4 };

static bool same_or_unasked(const char *asked, const char *fact)
{
    return asked == NULL || (fact != NULL && strcmp(asked, fact) == 0);
}

static bool vm_is_listed(const struct listing *listing, const struct vm *vm)
{
    const struct vm_list *params = listing->params;
    const struct lodge_vm *facts = &vm->facts;
    return vm_is_visible(vm, &listing->viewer) && same_or_unasked(params->host, facts->host) &&
           same_or_unasked(params->owner, facts->owner) &&
           (params->state == LODGE_VM_UNKNOWN || params->state == facts->state) &&
           (params->name == NULL ||
            (facts->name != NULL && glob_matches(params->name, facts->name))) &&
           (params->tag == NULL || lodge_strings_contain(&facts->tags, params->tag)) &&
           (listing->query == NULL || query_matches(listing->query, facts));
}

/* host, name and uuid; of these a foreign name alone may hold a slash. */
static char *cursor_after(const struct vm *vm)
{
    return xasprintf("%s/%s/%s", vm->facts.host, vm->facts.name == NULL ? "" : vm->facts.name,
                     vm->facts.uuid);
}

/* The key of a VM, which may be gone, in the text of a cursor: it is cut, and lent to `ret_key`. */
static bool read_cursor(char *text, struct vm *ret_key, struct lodge_error *err)
{
    char *name = strchr(text, '/');
    char *uuid = name == NULL ? NULL : strrchr(name + 1, '/');
    if (uuid == NULL || strlen(uuid + 1) != 36) {
        return lodge_fail_param(err, "cursor", "'cursor' is not one that vm.list gave out");
    }
    *name++ = '\0';
    *uuid++ = '\0';
    *ret_key = (struct vm){.facts = {.host = text, .name = name}};
    memcpy(ret_key->facts.uuid, uuid, 37);
    return true;
}

static bool cursor_is_ours(const char *cursor, struct lodge_error *err)
{
    AUTO(free) char *text = xstrdup_or_null(cursor);
    struct vm key;
    return text == NULL || read_cursor(text, &key, err);
}

/* Goes on behind the key in `cursor`, whether that VM still is there or not; NULL: at the first. */
static struct order_walk walk_from(struct registry *registry, const char *cursor)
{
    AUTO(free) char *text = xstrdup_or_null(cursor);
    struct lodge_error err = {0};
    struct vm key;
    if (text == NULL) {
        return registry_walk(registry, NULL);
    }
    bool is_ours = read_cursor(text, &key, &err);
    assert(is_ours); /* looked at before the list began */
    return registry_walk(registry, &key);
}

static void end_list(struct listing *listing, struct registry *registry, char *cursor)
{
    struct vm_list_result rest = {.rev = LODGE_UNKNOWN, .cursor = cursor};
    registry_incomplete(registry, &rest.incomplete);
    buffer_add_char(&listing->result, ']');
    fields_write_members(&listing->result, vm_list_result,
                         fields_bit(vm_list_result, "cursor") |
                             fields_bit(vm_list_result, "incomplete"),
                         &rest, true);
    buffer_add_char(&listing->result, '}');
    lodge_strings_clear(&rest.incomplete);
}

static void put_cursor(char **place, const struct vm *vm)
{
    free(*place);
    *place = vm == NULL ? NULL : cursor_after(vm);
}

/* Between two steps VMs may come and go: it goes on behind the key where it stood. */
static bool list_more(struct call_work *work, struct call *call)
{
    struct listing *listing = (struct listing *)work;
    struct registry *registry = call_services(call)->registry;
    const size_t per_look = listing->query == NULL ? VMS_PER_LOOK : FILTERED_PER_LOOK;
    const struct vm *last = NULL;
    const struct vm *before = NULL;
    struct vm *vm;
    struct order_walk walk = walk_from(registry, listing->after);
    for (size_t looks = 0; (vm = order_next(&walk)) != NULL; looks++, before = vm) {
        if (looks > 0 && looks % per_look == 0 && call_is_tired(call)) {
            put_cursor(&listing->after, before);
            if (last != NULL) {
                put_cursor(&listing->last, last);
            }
            return false;
        }
        if (!vm_is_listed(listing, vm)) {
            continue;
        }
        if (listing->written == listing->params->limit) {
            if (last != NULL) {
                put_cursor(&listing->last, last);
            }
            end_list(listing, registry, listing->last);
            call_reply(call, &listing->result);
            return true;
        }
        buffer_add_text(&listing->result, listing->written++ == 0 ? "" : ",");
        render_vm(&listing->result, vm, &listing->choice);
        last = vm;
    }
    end_list(listing, registry, NULL);
    call_reply(call, &listing->result);
    return true;
}

static void listing_free(struct call_work *work)
{
    struct listing *listing = (struct listing *)work;
    query_free(listing->query);
    buffer_free(&listing->result);
    free(listing->after);
    free(listing->last);
    free(listing);
}

static void vm_list_run(struct call *call, const void *data)
{
    const struct vm_list *params = data;
    struct registry *registry = call_services(call)->registry;
    struct lodge_error err = {0};
    struct listing *listing = xcalloc(1, sizeof *listing);
    *listing = (struct listing){
        .work = {.step = list_more, .free = listing_free},
        .params = params,
        .viewer = call_viewer(call),
        .after = xstrdup_or_null(params->cursor),
    };
    bool ok = render_choice_of(&params->fields, &listing->choice, &err);
    if (ok && params->host != NULL && registry_find_host(registry, params->host) == NULL) {
        ok = refuse_unknown_host(&err, params->host);
    }
    ok = ok && filter_parse(params->query, false, &listing->query, &err) &&
         cursor_is_ours(params->cursor, &err);
    if (!ok) {
        listing_free(&listing->work);
        call_fail(call, &err);
        return;
    }
    buffer_add_text(&listing->result, "{\"rev\":");
    buffer_add_json_int(&listing->result, (int64_t)registry_feed(registry)->rev);
    buffer_add_text(&listing->result, ",\"vms\":[");
    call_work(call, &listing->work);
}

struct vm_get {
    char *vm;
    bool xml;
};

#define AT(member) .offset = offsetof(struct vm_get, member)
static const struct field vm_get_params[] = {
    METHOD_VM(struct vm_get),
    {"xml", FIELD_BOOL, AT(xml), .help = "with libvirt's live XML; owners and admins only"},
    {.type = FIELD_END},
};
#undef AT

static void reply_with(struct call *call, struct vm *vm, const char *xml)
{
    struct buffer result = {0};
    render_vm_detail(&result, vm, xml);
    call_reply(call, &result);
    buffer_free(&result);
}

/* A vm.get that waits for XML. The VM may be gone when it comes: it is looked up again. */
struct xml_wait {
    struct call *call;
    char *key;
};

static void xml_came(void *data, const char *xml, const struct lodge_error *error)
{
    struct xml_wait *wait = data;
    struct lodge_error err = {0};
    struct viewer viewer = call_viewer(wait->call);
    if (error != NULL) {
        call_fail(wait->call, error);
    } else {
        struct vm *vm = registry_get(call_services(wait->call)->registry, wait->key, &viewer, &err);
        if (vm == NULL) {
            call_fail(wait->call, &err);
        } else {
            reply_with(wait->call, vm, xml);
        }
    }
    free(wait->key);
    free(wait);
}

static bool may_read_xml(const struct vm *vm, const struct viewer *viewer, struct lodge_error *err)
{
    return access_allows(viewer, vm, ACCESS_OWNER) ||
           lodge_fail(err, LODGE_ERROR_DENIED, "the XML of '%s' is for its owner and admins",
                      vm->facts.name);
}

static bool vm_get_is_cheap(const struct call *call, const void *params)
{
    const struct vm_get *get = params;
    (void)call;
    return !get->xml;
}

static void vm_get_run(struct call *call, struct vm *vm, const void *params)
{
    const struct vm_get *get = params;
    struct viewer viewer = call_viewer(call);
    struct lodge_error err = {0};
    if (get->xml && !may_read_xml(vm, &viewer, &err)) {
        call_fail(call, &err);
        return;
    }
    if (!get->xml) {
        call_read_beside(call, vm);
        reply_with(call, vm, NULL);
        return;
    }
    struct xml_wait *wait = xcalloc(1, sizeof *wait);
    wait->call = call;
    wait->key = xasprintf("%s/%s", vm->facts.host, vm->facts.uuid);
    reads_xml(call_services(call)->reads, vm->facts.host, vm->facts.uuid, xml_came, wait);
}

struct vm_screenshot {
    char *vm;
};
static const struct field vm_screenshot_params[] = {
    METHOD_VM(struct vm_screenshot),
    {.type = FIELD_END},
};

struct vm_screenshot_result {
    char *mime;
    char *data;
};

#define AT(member) .offset = offsetof(struct vm_screenshot_result, member)
static const struct field vm_screenshot_result[] = {
    {"mime", FIELD_STRING, AT(mime), .required = true, .help = "image/png"},
    {"data", FIELD_STRING, AT(data), .required = true,
     .help = "the picture in base64; its PNG has at most 16 MiB and 8192x8192 pixels"},
    {.type = FIELD_END},
};
#undef AT

static void shot_came(void *data, struct glance_result *shot, const struct lodge_error *error)
{
    struct call *call = data;
    if (error != NULL) {
        call_fail(call, error);
        return;
    }
    struct buffer result = {0}; /* base64 needs no escapes: it is not looked through for them */
    buffer_add_text(&result, "{\"mime\":\"image/png\",\"data\":\"");
    buffer_add(&result, shot->base64.data, shot->base64.length);
    buffer_add_text(&result, "\"}");
    call_reply(call, &result);
    buffer_free(&result);
}

static bool may_have_picture(const struct vm *vm, struct lodge_error *err)
{
    const struct lodge_vm *facts = &vm->facts;
    if (!vm->present || vm->live == LODGE_VM_SHUTOFF) {
        snprintf(err->state, sizeof err->state, "%s", lodge_vm_state_name(facts->state));
        return lodge_fail(err, LODGE_ERROR_BAD_STATE,
                          "'%s' is %s: only one that runs has a picture (vm.start)", facts->name,
                          lodge_vm_state_name(facts->state));
    }
    return named_vm_answers(vm, err);
}

static void vm_screenshot_run(struct call *call, struct vm *vm, const void *params)
{
    struct lodge_error err = {0};
    (void)params;
    if (!may_have_picture(vm, &err)) {
        call_fail(call, &err);
        return;
    }
    struct glance_at at = {vm->facts.host, vm->facts.uuid,
                           vm->facts.name == NULL ? vm->facts.uuid : vm->facts.name};
    shots_take(call_services(call)->ops, &at, shot_came, call);
}

const struct method vm_methods[] = {
    {
        .name = "vm.list",
        .access = ACCESS_SEE,
        .is_long = true,
        .params = vm_list_params,
        .params_size = sizeof(struct vm_list),
        .result = vm_list_result,
        .run = vm_list_run,
        .help = "The VMs that you may see, as they are now.",
    },
    {
        .name = "vm.get",
        .access = ACCESS_SEE,
        .vm = "vm",
        .vm_need = VM_SEEN,
        .seat = SEAT_XML,
        .is_cheap = vm_get_is_cheap,
        .params = vm_get_params,
        .params_size = sizeof(struct vm_get),
        .result = lodge_vm_fields,
        .run_on = vm_get_run,
        .help = "One VM with its disks, NICs and boot order.",
    },
    {
        .name = "vm.screenshot",
        .access = ACCESS_OWNER,
        .vm = "vm",
        .vm_need = VM_DOMAIN,
        .seat = SEAT_SCREEN,
        .params = vm_screenshot_params,
        .params_size = sizeof(struct vm_screenshot),
        .result = vm_screenshot_result,
        .run_on = vm_screenshot_run,
        .help = "What a guest's screen shows, within 2 s or an error.",
    },
    {0},
};
