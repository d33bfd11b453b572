/* domain_mark.c: lodge's mark on a domain, <lodge:made …/> in its metadata, is written with its
 * definition, and once more when the operation that made it is past its point of no return. */
#include "host/guest/domain_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/xml/domain_xml_edit.h"
#include "host/xml/domain_xml_read.h"
#include "scope.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

/* One of its two definitions; each has tags of its own. */
static bool commit_one(virDomainPtr domain, unsigned flags, const char *installation,
                       struct lodge_error *err)
{
    AUTO(free)
    char *words =
        virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, DOMAIN_XML_NAMESPACE, flags);
    if (words == NULL) {
        int code = virGetLastErrorCode();
        return code == VIR_ERR_NO_DOMAIN_METADATA || code == VIR_ERR_NO_DOMAIN ||
               libvirt_fail(err, "its mark could not be read");
    }
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    (void)virDomainGetUUIDString(domain, uuid);
    const struct domain_mark mark = domain_xml_read_mark(words, uuid);
    if (strcmp(mark.installation, installation) != 0 || mark.committed) {
        return true;
    }
    AUTO(free) char *committed = domain_xml_commit_mark(words, err);
    return committed != NULL &&
           (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, committed, "lodge",
                                 DOMAIN_XML_NAMESPACE, flags) == 0 ||
            libvirt_fail(err, "its mark could not be written"));
}

bool domain_commit_mark(struct host_conn *conn, const char *uuid, const char *installation,
                        struct lodge_error *err)
{
    AUTO(virDomainFree) virDomainPtr domain = domain_reach(conn, uuid, err);
    if (domain == NULL) {
        bool gone = err->kind == LODGE_ERROR_NOT_FOUND;
        *err = gone ? (struct lodge_error){0} : *err;
        return gone;
    }
    return (virDomainIsActive(domain) != 1 ||
            commit_one(domain, VIR_DOMAIN_AFFECT_LIVE, installation, err)) &&
           (virDomainIsPersistent(domain) != 1 ||
            commit_one(domain, VIR_DOMAIN_AFFECT_CONFIG, installation, err));
}
