/*
 * uses_now.c: who uses which files, read by the job that is about to act on the answer.
 *
 * One reading serves all who ask (uses_reading.c), but on a host where definitions keep changing
 * every one is out of date before its answer is used. Then the job reads for itself: nothing that
 * was defined before it began is overlooked. On a worker; its caller owns the uses.
 */
#include "host/storage/uses_private.h"

#include <stdlib.h>

static bool read_part(struct uses *uses, struct host_conn *conn, enum uses_part part,
                      struct lodge_error *err)
{
    virDomainPtr *domains = NULL;
    size_t count = 0;
    bool good = uses_list_part(conn->libvirt, part, &domains, &count, err);
    for (size_t i = 0; i < count; i++) {
        struct named_files files = {0};
        struct lodge_error why = {0};
        if (good && !uses_read_part(domains[i], part, &files, &why) &&
            why.kind == LODGE_ERROR_HOST_DOWN) {
            *err = why;
            good = false;
        }
        if (good) {
            uses_take_part(uses, domains[i], &files, &why);
        }
        named_files_clear(&files);
        virDomainFree(domains[i]);
    }
    free(domains);
    return good;
}

struct uses *uses_read_now(struct host_conn *conn, const struct storage_place *place,
                           struct lodge_error *err)
{
    struct uses *uses = uses_new();
    uses->defined = host_defined(conn->host);
    bool good = true;
    for (int part = USES_XML; good && part <= USES_SAVE; part++) {
        good = read_part(uses, conn, (enum uses_part)part, err);
    }
    if (!good || !uses_follow(uses, conn, place, err)) {
        uses_release(uses);
        return NULL;
    }
    uses->took_ms = loop_monotonic_ms() - uses->began_ms;
    return uses;
}
