/*
 * offers: the library is read by a worker of the store's questions, pools and networks by a task on
 * the host; either fills the list, which the loop lends to the caller and frees.
 */
#include "ops/offers.h"

#include "contract/contract.h"
#include "host/images.h"
#include "memory.h"
#include "ops/op.h"
#include "scope.h"

#include <stdlib.h>

/* The library is read on a worker of the store's readers, a host's things on one of the host. */
struct offering {
    struct job job;
    struct host_task task;
    struct ops *ops;
    enum offers_of what;
    const struct storage_place *place;
    char *host;
    struct offers offers;
    struct lodge_error error;
    offers_fn *answer;
    void *data;
};

static struct lodge_offer *add(struct offering *offering)
{
    struct offers *offers = &offering->offers;
    offers->items = xrealloc(offers->items, (offers->count + 1) * sizeof *offers->items);
    struct lodge_offer *offer = &offers->items[offers->count++];
    fields_init(lodge_offer_fields, offer);
    return offer;
}

static void take_image(void *data, const struct image *image)
{
    struct lodge_offer *offer = add(data);
    offer->name = xstrdup(image->name);
    offer->kind = xstrdup(image_kind_name(image->kind));
    offer->format = xstrdup_or_null(image->format);
    offer->size_gib = image->kind == IMAGE_DISK ? image->size_gib : LODGE_UNKNOWN;
}

static void take_pool(void *data, const char *name, const char *kind, bool active,
                      int64_t capacity_gib, int64_t free_gib)
{
    struct lodge_offer *offer = add(data);
    offer->name = xstrdup(name);
    offer->kind = xstrdup_or_null(kind);
    offer->active = active ? LODGE_FLAG_YES : LODGE_FLAG_NO;
    offer->size_gib = capacity_gib;
    offer->free_gib = free_gib;
}

static void take_network(void *data, const char *name, const char *kind, bool active)
{
    take_pool(data, name, kind, active, LODGE_UNKNOWN, LODGE_UNKNOWN);
}

static void finish(struct offering *offering)
{
    bool ok = offering->error.kind == LODGE_ERROR_NONE;
    offering->answer(offering->data, ok ? &offering->offers : NULL, ok ? NULL : &offering->error);
    for (size_t i = 0; i < offering->offers.count; i++) {
        fields_clear(lodge_offer_fields, &offering->offers.items[i]);
    }
    free(offering->offers.items);
    free(offering->host);
    free(offering);
}

static void read_library(struct job *job)
{
    struct offering *offering = CONTAINER_OF(job, struct offering, job);
    image_list(&offering->ops->options.image_dirs, take_image, offering);
}

static void library_read(struct letter *letter)
{
    struct offering *offering = CONTAINER_OF(letter, struct offering, job.letter);
    if (atomic_load(&offering->job.cancelled)) {
        (void)lodge_fail(&offering->error, LODGE_ERROR_CANCELLED, "lodged is leaving");
    }
    finish(offering);
}

static void read_host(struct host_task *task, struct hand *hand)
{
    struct offering *offering = CONTAINER_OF(task, struct offering, task);
    struct lodge_error *err = &offering->error;
    bool ok = offering->what == OFFERS_POOLS
                  ? storage_list_pools(hand, offering->place, take_pool, offering, err)
                  : storage_list_networks(hand, take_network, offering, err);
    (void)ok; /* `error` says it */
}

static void host_read(struct host_task *task, bool ran)
{
    struct offering *offering = CONTAINER_OF(task, struct offering, task);
    if (!ran) {
        (void)lodge_fail(&offering->error, LODGE_ERROR_HOST_DOWN, "host '%s' is not up",
                         offering->host);
    }
    finish(offering);
}

void offers_list(struct ops *ops, enum offers_of what, const char *host, offers_fn *answer,
                 void *data)
{
    struct offering *offering = xcalloc(1, sizeof *offering);
    offering->ops = ops;
    offering->what = what;
    offering->host = xstrdup_or_null(host);
    offering->answer = answer;
    offering->data = data;
    if (what == OFFERS_IMAGES) {
        offering->job = (struct job){.letter.deliver = library_read, .run = read_library};
        workers_submit(ops->readers, &offering->job);
        return;
    }
    struct house_host *on = ops_host(ops, host);
    if (on == NULL) {
        (void)lodge_fail(&offering->error, LODGE_ERROR_NOT_FOUND,
                         "no host '%s'; host.list names those there are", host);
        finish(offering);
        return;
    }
    offering->place = &on->place;
    offering->task = (struct host_task){.run = read_host, .done = host_read};
    host_submit(on->host, HOST_LANE_OPS, &offering->task);
}
