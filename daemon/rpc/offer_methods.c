/* image.list, pool.list, network.list: what VMs can be made from. server.compare, orphan.delete:
 * what does not fit together. */
#include "contract/contract.h"
#include "memory.h"
#include "reads/compare.h"
#include "reads/offers.h"
#include "rpc/op_request.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

struct offer_list {
    char *host;
};
static const struct field offer_params[] = {
    {"host", FIELD_STRING, .offset = offsetof(struct offer_list, host), .min = 1,
     .max = METHOD_TEXT_MAX, .help = "of this host (the only one, or local)"},
    {.type = FIELD_END},
};

static const struct field images_result[] = {
    {"images", FIELD_OBJECTS, .offset = offsetof(struct offers, items),
     .size = sizeof(struct lodge_offer), .fields = lodge_offer_fields, .required = true,
     .help = "in order of name"},
    {.type = FIELD_END},
};
static const struct field pools_result[] = {
    {"pools", FIELD_OBJECTS, .offset = offsetof(struct offers, items),
     .size = sizeof(struct lodge_offer), .fields = lodge_offer_fields, .required = true,
     .help = "those it has"},
    {.type = FIELD_END},
};
static const struct field networks_result[] = {
    {"networks", FIELD_OBJECTS, .offset = offsetof(struct offers, items),
     .size = sizeof(struct lodge_offer), .fields = lodge_offer_fields, .required = true,
     .help = "those it has"},
    {.type = FIELD_END},
};

static void answer_offers(void *data, const struct offers *offers, const struct lodge_error *error)
{
    struct call *call = data;
    if (offers == NULL) {
        call_fail(call, error);
        return;
    }
    struct buffer result = {0};
    fields_write(&result, call_method(call)->result, FIELD_MASK_ALL, offers);
    call_reply(call, &result);
    buffer_free(&result);
}

static const char *host_or_only(struct call *call, const char *name)
{
    struct registry_host *host = registry_first_host(call_services(call)->registry);
    return name != NULL ? name : host != NULL && host->next == NULL ? host->facts.name : "local";
}

static void images_run(struct call *call, const void *params)
{
    (void)params;
    offers_list(call_services(call)->ops, OFFERS_IMAGES, NULL, answer_offers, call);
}

static void pools_run(struct call *call, const void *params)
{
    const struct offer_list *list = params;
    offers_list(call_services(call)->ops, OFFERS_POOLS, host_or_only(call, list->host),
                answer_offers, call);
}

static void networks_run(struct call *call, const void *params)
{
    const struct offer_list *list = params;
    offers_list(call_services(call)->ops, OFFERS_NETWORKS, host_or_only(call, list->host),
                answer_offers, call);
}

static void answer_compare(void *data, const struct compared *compared,
                           const struct lodge_error *error)
{
    if (compared == NULL) {
        call_fail(data, error);
        return;
    }
    call_reply(data, &compared->json);
}

static void compare_run(struct call *call, const void *params)
{
    (void)params;
    compare_now(call_services(call)->ops, answer_compare, call);
}

struct orphan_delete {
    char *host;
    char *path;
    char *uuid;
    struct op_request_params request;
};

#define AT(member) .offset = offsetof(struct orphan_delete, member)
static const struct field orphan_params[] = {
    {"host", FIELD_STRING, AT(host), .required = true, .min = 1, .max = METHOD_TEXT_MAX,
     .help = "where it is"},
    {"path", FIELD_STRING, AT(path), .min = 1, .max = 4096, .help = "a volume of server.compare"},
    {"uuid", FIELD_STRING, AT(uuid), .min = 36, .max = 36, .help = "a domain of server.compare"},
    OP_REQUEST_FIELDS(struct orphan_delete),
    {.type = FIELD_END},
};
#undef AT

struct orphan_result {
    int64_t op;
};
static const struct field orphan_result[] = {
    {"op", FIELD_INT, .offset = offsetof(struct orphan_result, op),
     .help = "the operation's number"},
    {.type = FIELD_END},
};

static void orphan_run(struct call *call, const void *params)
{
    const struct orphan_delete *orphan = params;
    struct ops *ops = call_services(call)->ops;
    struct lodge_error err = {0};
    struct plan plan;
    char uuid[37] = "";
    plan_init(&plan);
    if ((orphan->path == NULL) == (orphan->uuid == NULL)) {
        (void)lodge_fail_param(&err, "path", "either 'path' or 'uuid' says what is to go");
        call_fail(call, &err);
        return;
    }
    call_set_target(call, orphan->host, orphan->path == NULL ? orphan->uuid : orphan->path);
    if (!compare_find_orphan(ops, orphan->host, orphan->uuid, orphan->path, &plan, uuid, &err)) {
        plan_clear(&plan);
        call_fail(call, &err);
        return;
    }
    plan.name = xstrdup(orphan->path == NULL ? orphan->uuid : orphan->path);
    op_request_submit_at(call, params, orphan->host, uuid, &plan);
}

const struct method offer_methods[] = {
    {
        .name = "image.list",
        .access = ACCESS_ANY,
        .seat = SEAT_SHARED,
        .params = offer_params,
        .params_size = sizeof(struct offer_list),
        .result = images_result,
        .run = images_run,
        .help = "Disk images, ISOs and kernels of the library.",
    },
    {
        .name = "pool.list",
        .access = ACCESS_ANY,
        .seat = SEAT_SHARED,
        .params = offer_params,
        .params_size = sizeof(struct offer_list),
        .result = pools_result,
        .run = pools_run,
        .help = "A host's storage pools.",
    },
    {
        .name = "network.list",
        .access = ACCESS_ANY,
        .seat = SEAT_SHARED,
        .params = offer_params,
        .params_size = sizeof(struct offer_list),
        .result = networks_result,
        .run = networks_run,
        .help = "A host's networks.",
    },
    {
        .name = "server.compare",
        .access = ACCESS_ADMIN,
        .seat = SEAT_SHARED,
        .run = compare_run,
        .help = "What does not fit together: rows, domains, volumes and old operations.",
    },
    {
        .name = "orphan.delete",
        .access = ACCESS_ADMIN,
        .mutates = true,
        .params = orphan_params,
        .params_size = sizeof(struct orphan_delete),
        .result = orphan_result,
        .run = orphan_run,
        .help = "Deletes one thing that server.compare has found and nobody owns.",
    },
    {0},
};
