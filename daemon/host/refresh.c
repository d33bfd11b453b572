/*
 * refresh: asking one domain again for its state or its definition, when something said that what
 * is known of it may be old: an event, a list that differs, somebody who waits for it (fresh.c).
 *
 * A question is `wanted` from then until it is sent, and `out` until it is answered. It may be
 * both: what came while it was out may be newer than its answer, which then counts for nothing.
 *
 *      turn of the loop                              wanted  out  told
 *   1  event "started"                                 x           off
 *   2  event "paused", in the same turn                x           off    one question for both
 *   3  end of the turn: host.ask sends it                    x     off
 *   4  event "resumed"                                 x     x     off    the answer is too old now
 *   5  answer "paused": dropped, and asked again       x           off
 *   6  end of the turn: sent                                 x     off
 *   7  answer "running"                                            running
 *
 * So a domain has at most one question of each kind out; what is told was asked after the last
 * event about it; and a storm of events costs each domain as many questions as libvirt has had time
 * to answer. A lost connection or a new sync forgets all of it (refresh_reset()): calls that are
 * out carry the host's generation, so that their answers are nobody's, and everything is asked for
 * anew.
 *
 * Here is who is to be asked; states.c and definitions.c send it and take the answers, and
 * domain_report.c tells what differs. Loop-only.
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
