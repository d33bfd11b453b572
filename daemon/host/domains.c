/*
 * domains: a hash table by uuid and a list through the same domains, in no order. The table owns
 * them: domains_remove() and domains_done() alone free one. It doubles when it is full and never
 * shrinks.
 */
#include "host/domains.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 64 };

/* Fleets are numbered in whatever part of their uuids, so every bit has to reach the low ones. */
static size_t domain_bucket(const struct domains *domains, const unsigned char *uuid)
{
    uint64_t halves[2];
    memcpy(halves, uuid, sizeof halves);
    uint64_t hash = domains->seed;
    for (int i = 0; i < 2; i++) {
        hash = (hash ^ halves[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash = (hash ^ (hash >> 32)) * UINT64_C(0xbf58476d1ce4e5b9);
        hash ^= hash >> 32;
    }
    return (size_t)hash & (domains->bucket_count - 1);
}

void domains_init(struct domains *domains)
{
    *domains = (struct domains){.bucket_count = FIRST_BUCKETS};
    domains->buckets = xcalloc(FIRST_BUCKETS, sizeof *domains->buckets);
    /* Uuids are chosen by whoever defines a domain. Without entropy the table is only slower. */
    if (getrandom(&domains->seed, sizeof domains->seed, GRND_NONBLOCK) < 0) {
        domains->seed = (uint64_t)(uintptr_t)domains;
    }
}

void domains_done(struct domains *domains)
{
    while (domains->first != NULL) {
        domains_remove(domains, domains->first);
    }
    free(domains->buckets);
    *domains = (struct domains){0};
}

struct domain *domains_find(const struct domains *domains, const unsigned char *uuid)
{
    struct domain *domain = domains->buckets[domain_bucket(domains, uuid)];
    while (domain != NULL && memcmp(domain->uuid, uuid, UUID_SIZE) != 0) {
        domain = domain->next_in_bucket;
    }
    return domain;
}

static void link_into_bucket(struct domains *domains, struct domain *domain)
{
    struct domain **bucket = &domains->buckets[domain_bucket(domains, domain->uuid)];
    domain->next_in_bucket = *bucket;
    *bucket = domain;
}

static void domains_grow(struct domains *domains)
{
    free(domains->buckets);
    domains->bucket_count *= 2;
    domains->buckets = xcalloc(domains->bucket_count, sizeof *domains->buckets);
    for (struct domain *domain = domains->first; domain != NULL; domain = domain->next) {
        link_into_bucket(domains, domain);
    }
}

static void uuid_print(char *ret_text, const unsigned char *uuid)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *ret_text++ = '-';
        }
        *ret_text++ = digits[uuid[i] >> 4];
        *ret_text++ = digits[uuid[i] & 15];
    }
    *ret_text = '\0';
}

bool domains_uuid(const char *text, unsigned char ret_uuid[static UUID_SIZE])
{
    for (int i = 0; i < UUID_SIZE; i++) {
        bool is_dash = (i == 4 || i == 6 || i == 8 || i == 10) && *text == '-';
        text += is_dash ? 1 : 0;
        char pair[3] = {text[0]};
        if (text[0] != '\0') {
            pair[1] = text[1];
        }
        char *end;
        ret_uuid[i] = (unsigned char)strtoul(pair, &end, 16);
        if (end != pair + 2) {
            return false;
        }
        text += 2;
    }
    return *text == '\0';
}

struct domain *domains_get(struct domains *domains, const unsigned char *uuid)
{
    struct domain *domain = domains_find(domains, uuid);
    if (domain != NULL) {
        return domain;
    }
    if (domains->count >= domains->bucket_count) {
        domains_grow(domains);
    }
    domain = xcalloc(1, sizeof *domain);
    memcpy(domain->uuid, uuid, UUID_SIZE);
    uuid_print(domain->uuid_text, uuid);
    domain->name = xstrdup("");
    domain->libvirt_state = -1;
    domain->vcpus = LODGE_UNKNOWN;
    domain->run = LODGE_UNKNOWN;
    domain->next = domains->first;
    if (domain->next != NULL) {
        domain->next->previous = domain;
    }
    domains->first = domain;
    domains->count++;
    link_into_bucket(domains, domain);
    return domain;
}

void domains_remove(struct domains *domains, struct domain *domain)
{
    struct domain **link = &domains->buckets[domain_bucket(domains, domain->uuid)];
    while (*link != domain) {
        link = &(*link)->next_in_bucket;
    }
    *link = domain->next_in_bucket;
    if (domain->next != NULL) {
        domain->next->previous = domain->previous;
    }
    *(domain->previous == NULL ? &domains->first : &domain->previous->next) = domain->next;
    domains->count--;
    free(domain->name);
    free(domain);
}

bool domain_set_name(struct domain *domain, const char *name)
{
    if (strcmp(domain->name, name) == 0) {
        return false;
    }
    free(domain->name);
    domain->name = xstrdup(name);
    return true;
}
