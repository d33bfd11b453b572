/*
 * refresh: a question about a domain is `wanted` until it is sent and `out` until it is answered.
 * Wanted while it is out: its answer is out of date, so it is dropped and the domain asked anew.
 *
 * Here is who is to be asked; states.c and definitions.c send what host.ask finds at the end of the
 * turn, and take the answers. Loop-only.
 */
#include "host/refresh.h"

void refresh_state(struct host *host, struct domain *domain)
{
    if (!domain->state.wanted && !domain->state.out) {
        ask_queue_add(&host->states, domain->uuid);
        loop_later(host->loop, &host->ask);
    }
    domain->state.wanted = true;
}

void refresh_definition(struct host *host, struct domain *domain)
{
    if (!domain->definition.wanted && !domain->definition.out) {
        ask_queue_add(&host->definitions, domain->uuid);
        loop_later(host->loop, &host->ask);
    }
    domain->definition.wanted = true;
}

void refresh_reset(struct host *host)
{
    ask_queue_clear(&host->states);
    ask_queue_clear(&host->definitions);
    ask_queue_clear(&host->unsettled);
    for (struct domain *domain = host->domains.first; domain != NULL; domain = domain->next) {
        domain->state = (struct ask){0};
        domain->definition = (struct ask){0};
        domain->definition_hash = 0;
        domain->whole = false;
        domain->lacks_state = false;
        domain->lacks_definition = false;
        domain->doubted = false;
    }
    host->lacking = 0;
}
