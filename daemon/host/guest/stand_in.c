/* stand_in.c: making one (stand_in.h); autodestroy.c ends what a lodged that is gone has left. */
#include "host/guest/stand_in.h"
#include "host/guest/autodestroy.h"
#include "host/guest/domain_private.h"
#include "host/libvirt_auto.h"
#include "host/libvirt_error.h"
#include "host/xml/stand_in_xml.h"

#include <stdlib.h>

void stand_in_uuid(char ret_uuid[static 37])
{
    autodestroy_uuid(AUTODESTROY_STAND_IN, ret_uuid);
}

bool stand_in_start(struct host_conn *conn, const char *uuid, int64_t op,
                    const struct disk_row *disks, size_t count, struct lodge_error *err)
{
    const struct stand_in_plan plan = {.uuid = uuid, .op = op, .disks = disks, .count = count};
    AUTO(free) char *xml = stand_in_xml_write(&plan, err);
    if (xml == NULL) {
        return false;
    }
    AUTO(virDomainFree)
    virDomainPtr domain = virDomainCreateXML(
        conn->libvirt, xml, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY);
    return domain != NULL ||
           libvirt_fail(err, "host '%s' cannot open its disks for growing", host_name(conn->host));
}
