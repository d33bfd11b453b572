/* stand_in_xml.c: as little of a machine as libvirt takes. Emulated whatever the host can do: there
 * is no instruction to run, and KVM need not be tried for it. */
#include "host/xml/stand_in_xml.h"
#include "host/xml/domain_xml_read.h"
#include "host/xml/libvirt_xml.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void write_mark(struct xml_writer *writer, int64_t op)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, op);
    xml_open(writer, "metadata", NULL);
    xml_open(writer, "lodge:vm", "xmlns:lodge", DOMAIN_XML_NAMESPACE, NULL);
    xml_empty(writer, "lodge:made", "installation", STAND_IN_MARK, "op", number);
    xml_close(writer);
    xml_close(writer);
}

static void write_lent_disk(struct xml_writer *writer, const struct disk_row *disk)
{
    xml_open(writer, "disk", "type", "file", "device", "disk", NULL);
    xml_empty(writer, "driver", "name", "qemu", "type", disk->format);
    xml_empty(writer, "source", "file", disk->path);
    xml_empty(writer, "backingStore"); /* the chain ends here, whatever a header says */
    xml_empty(writer, "target", "dev", disk->target, "bus", "virtio");
    xml_close(writer);
}

char *stand_in_xml_write(const struct stand_in_plan *plan, struct lodge_error *err)
{
    struct xml_writer writer;
    AUTO(free) char *name = xasprintf("lodge-stand-in-%s", plan->uuid + 24);
    xml_writer_start(&writer);
    xml_open(&writer, "domain", "type", "qemu", NULL);
    xml_element(&writer, "name", name);
    xml_element(&writer, "uuid", plan->uuid);
    write_mark(&writer, plan->op);
    xml_open(&writer, "memory", "unit", "MiB", NULL);
    xml_write(&writer, "16");
    xml_close(&writer);
    xml_element(&writer, "vcpu", "1");
    xml_open(&writer, "os", NULL);
    xml_open(&writer, "type", "arch", "x86_64", "machine", "q35", NULL);
    xml_write(&writer, "hvm");
    xml_close(&writer);
    xml_close(&writer);
    xml_open(&writer, "features", NULL);
    xml_empty(&writer, "acpi");
    xml_close(&writer);
    xml_open(&writer, "devices", NULL);
    for (size_t i = 0; i < plan->count; i++) {
        write_lent_disk(&writer, &plan->disks[i]);
    }
    xml_empty(&writer, "controller", "type", "usb", "model", "none");
    xml_empty(&writer, "memballoon", "model", "none");
    xml_close(&writer);
    xml_close(&writer);
    return xml_writer_end(&writer, "the stand-in's XML", err);
}
