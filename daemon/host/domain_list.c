/*
 * domain_list: libvirt refuses more than 16,384 domains in one reply (REMOTE_DOMAIN_LIST_MAX). A
 * list that is too long is asked for in halves, by what each pair of flags tells apart, and these
 * in halves again. On a worker; nothing is kept.
 */
#include "host/domain_list.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "memory.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

/* What a list that is too long is cut by: each pair leaves nothing out. */
static const unsigned halves[][2] = {
    {VIR_CONNECT_LIST_DOMAINS_ACTIVE, VIR_CONNECT_LIST_DOMAINS_INACTIVE},
    {VIR_CONNECT_LIST_DOMAINS_AUTOSTART, VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART},
    {VIR_CONNECT_LIST_DOMAINS_PERSISTENT, VIR_CONNECT_LIST_DOMAINS_TRANSIENT},
    {VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE},
    {VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT},
    {VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT},
};

static bool list_by(virConnectPtr conn, unsigned flags, size_t depth, virDomainPtr **domains,
                    size_t *count, struct lodge_error *err)
{
    virDomainPtr *some = NULL;
    int got = virConnectListAllDomains(conn, &some, flags);
    if (got < 0) {
        struct lodge_error why = {0};
        libvirt_fail(&why, "cannot list the domains");
        if (why.kind != LODGE_ERROR_TOO_MANY || depth == ARRAY_LENGTH(halves)) {
            *err = why;
            return false;
        }
        return list_by(conn, flags | halves[depth][0], depth + 1, domains, count, err) &&
               list_by(conn, flags | halves[depth][1], depth + 1, domains, count, err);
    }
    if (*domains == NULL) {
        *domains = some;
    } else {
        *domains = xrealloc(*domains, (*count + (size_t)got) * sizeof **domains);
        memcpy(*domains + *count, some, (size_t)got * sizeof *some);
        free(some);
    }
    *count += (size_t)got;
    return true;
}

bool domain_list(virConnectPtr conn, unsigned flags, virDomainPtr **ret_domains, size_t *ret_count,
                 struct lodge_error *err)
{
    virDomainPtr *domains = NULL;
    size_t count = 0;
    if (!list_by(conn, flags, 0, &domains, &count, err)) {
        libvirt_domains_free(domains, count);
        return false;
    }
    *ret_domains = domains;
    *ret_count = count;
    return true;
}
