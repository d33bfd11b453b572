/*
 * offers: a list is made for all who ask for it meanwhile (loop/rounds.h), by a worker for the
 * library or on the host's connection for readings; the loop lends it to each and frees it.
 */
#include "reads/offers.h"

#include "contract/contract.h"
#include "host/reading.h"
#include "host/storage/images.h"
#include "memory.h"
#include "reads/reads_private.h"
#include "refusals.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { POOLS_PATIENCE_MS = 10000 };

static struct lodge_offer *add_offer(struct offers *offers)
{
    offers->items = xrealloc(offers->items, (offers->count + 1) * sizeof *offers->items);
    struct lodge_offer *offer = &offers->items[offers->count++];
    fields_init(lodge_offer_fields, offer);
    return offer;
}

static void clear_offers(struct offers *offers)
{
    for (size_t i = 0; i < offers->count; i++) {
        fields_clear(lodge_offer_fields, &offers->items[i]);
    }
    free(offers->items);
}

static void free_offers(void *offers)
{
    clear_offers(offers);
    free(offers);
}

static void take_image(void *data, const struct image *image)
{
    struct lodge_offer *offer = add_offer(data);
    offer->name = xstrdup(image->name);
    offer->kind = xstrdup(image_kind_name(image->kind));
    offer->format = xstrdup_or_null(image->format);
    offer->size_gib = image->kind == IMAGE_DISK ? image->size_gib : LODGE_UNKNOWN;
}

static void take_pool(void *data, const char *name, const char *kind, bool active,
                      int64_t capacity_gib, int64_t free_gib)
{
    struct lodge_offer *offer = add_offer(data);
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

/* Who asked. */
struct offers_asker {
    offers_fn *answer;
    void *data;
};

static void pass_offers_on(void *data, const void *answer, const struct lodge_error *error)
{
    struct offers_asker *asker = data;
    asker->answer(asker->data, answer, error);
    free(asker);
}

/* The library */

struct library_reading {
    struct job job; /* first */
    struct reads *reads;
    struct offers offers;
};

static void read_library(struct job *job)
{
    struct library_reading *reading = (struct library_reading *)job;
    image_list(&reading->reads->fleet->options.image_dirs, take_image, &reading->offers);
}

static void library_read(struct letter *letter)
{
    struct library_reading *reading = (struct library_reading *)letter;
    if (reading->reads->images != NULL) { /* else lodged leaves, and they know */
        rounds_end(reading->reads->images, &reading->offers, NULL);
    }
    clear_offers(&reading->offers);
    free(reading);
}

static void begin_library(void *owner)
{
    struct reads *reads = owner;
    struct library_reading *reading = xcalloc(1, sizeof *reading);
    reading->job.run = read_library;
    reading->job.letter.deliver = library_read;
    reading->reads = reads;
    workers_submit(reads->library, &reading->job);
}

const struct rounds_kind offers_images = {.begin = begin_library};

/* Hosts */

static void *read_pool_offers(struct host_conn *conn, const void *data, struct lodge_error *err)
{
    const struct storage_place *place = data;
    struct offers *offers = xcalloc(1, sizeof *offers);
    if (!storage_list_pools(conn, place, take_pool, offers, err)) {
        free_offers(offers);
        return NULL;
    }
    for (size_t i = 0; i < offers->count; i++) {
        bool is_ours = place->pool[0] == '\0' || strcmp(offers->items[i].name, place->pool) == 0;
        offers->items[i].ours = is_ours ? LODGE_FLAG_YES : LODGE_FLAG_NO;
    }
    return offers;
}

static void *read_networks(struct host_conn *conn, const void *place, struct lodge_error *err)
{
    (void)place;
    struct offers *offers = xcalloc(1, sizeof *offers);
    if (!storage_list_networks(conn, take_network, offers, err)) {
        free_offers(TAKE(offers));
    }
    return offers;
}

/* A host has one place. */
static bool is_same_place(const void *place, const void *other)
{
    return place == other;
}

static const struct host_reading_kind pools_kind = {
    .is_of_pools = true,
    .patience_ms = POOLS_PATIENCE_MS,
    .late = "has not listed its pools",
    .hint = STORAGE_LATE_HINT,
    .read = read_pool_offers,
    .free = free_offers,
    .is_same = is_same_place,
};

static const struct host_reading_kind networks_kind = {
    .patience_ms = POOLS_PATIENCE_MS,
    .late = "has not listed its networks",
    .read = read_networks,
    .free = free_offers,
    .is_same = is_same_place,
};

void offers_list(struct ops *ops, enum offers_of what, const char *host, offers_fn *answer,
                 void *data)
{
    struct lodge_error err = {0};
    struct reads *reads = reads_of(ops);
    struct fleet_host *on = what == OFFERS_IMAGES ? NULL : fleet_find(reads->fleet, host);
    if (reads->fleet->closing) {
        (void)refuse_stopping(&err);
        answer(data, NULL, &err);
        return;
    }
    if (what != OFFERS_IMAGES && on == NULL) {
        (void)refuse_unknown_host(&err, host);
        answer(data, NULL, &err);
        return;
    }
    struct offers_asker *asker = xcalloc(1, sizeof *asker);
    asker->answer = answer;
    asker->data = data;
    if (on == NULL) {
        rounds_join(reads->images, pass_offers_on, asker);
        return;
    }
    host_read(on->host, what == OFFERS_POOLS ? &pools_kind : &networks_kind, &on->place,
              pass_offers_on, asker);
}
