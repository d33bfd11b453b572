/*
 * domain_xml_write: what lodge chooses for a guest, element by element: machine, firmware, clock,
 * devices, and lodge's mark in the metadata.
 *
 * A domain of the test driver gets none of QEMU's particulars. The writer (libvirt_xml.h) escapes
 * what is given and fails at the end if XML could not say it; the plan is borrowed, the text the
 * caller's.
 */
#include "host/xml/domain_xml_write.h"
#include "host/xml/domain_xml_read.h"
#include "host/xml/libvirt_xml.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this QEMU's translation cache (TCG only) would be the larger part of what a guest takes. */
enum { SMALL_MIB = 512 };

static bool is_kvm(const struct domain_plan *plan)
{
    return !plan->is_test && plan->virt_type != NULL && strcmp(plan->virt_type, "kvm") == 0;
}

static void write_number(struct xml_writer *writer, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    xml_write(writer, text);
}

/* The mark tells what is ours, and of which operation, from what somebody else made. */
static void write_metadata(struct xml_writer *writer, const struct domain_plan *plan)
{
    char op[24];
    (void)snprintf(op, sizeof op, "%" PRId64, plan->op);
    xml_open(writer, "metadata", NULL);
    xml_open(writer, "lodge:vm", "xmlns:lodge", DOMAIN_XML_NAMESPACE, NULL);
    for (size_t i = 0; plan->tags != NULL && i < plan->tags->count; i++) {
        xml_element(writer, "lodge:tag", plan->tags->items[i]);
    }
    if (plan->installation != NULL) {
        xml_empty(writer, "lodge:made", "installation", plan->installation, "op", op, "uuid",
                  plan->uuid);
    }
    xml_close(writer);
    xml_close(writer);
}

/* --- what it is ------------------------------------------------------------------------------- */

/* libvirt's word for ours, each once. */
static const char *boot_device(const char *word)
{
    static const struct {
        const char *word;
        const char *device;
    } words[] = {{"disk", "hd"}, {"cdrom", "cdrom"}, {"network", "network"}};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(word, words[i].word) == 0) {
            return words[i].device;
        }
    }
    return NULL;
}

static void write_boot(struct xml_writer *writer, const struct domain_plan *plan)
{
    if (plan->boot == NULL || plan->boot->count == 0) {
        xml_empty(writer, "boot", "dev", "hd");
        if (plan->iso != NULL) {
            xml_empty(writer, "boot", "dev", "cdrom");
        }
        return;
    }
    struct lodge_strings said = {0};
    for (size_t i = 0; i < plan->boot->count; i++) {
        const char *device = boot_device(plan->boot->items[i]);
        if (device != NULL && !lodge_strings_contain(&said, device)) {
            if (!lodge_strings_add(&said, device)) {
                abort(); /* out of memory, as xmalloc */
            }
            xml_empty(writer, "boot", "dev", device);
        }
    }
    lodge_strings_clear(&said);
}

static void write_os(struct xml_writer *writer, const struct domain_plan *plan)
{
    bool efi = plan->uefi && !plan->is_test;
    xml_open(writer, "os", "firmware", efi ? "efi" : NULL, NULL);
    if (plan->is_test) {
        xml_element(writer, "type", "hvm");
    } else {
        xml_open(writer, "type", "arch", "x86_64", "machine", "q35", NULL);
        xml_write(writer, "hvm");
        xml_close(writer);
    }
    if (efi) {
        /* Signed kernels only, and a machine with SMM, is not what somebody who says "uefi" means.
         */
        xml_open(writer, "firmware", NULL);
        xml_empty(writer, "feature", "enabled", "no", "name", "enrolled-keys");
        xml_empty(writer, "feature", "enabled", "no", "name", "secure-boot");
        xml_close(writer);
    }
    xml_element(writer, "kernel", plan->kernel);
    xml_element(writer, "initrd", plan->initrd);
    xml_element(writer, "cmdline", plan->cmdline);
    write_boot(writer, plan);
    xml_close(writer);
}

/* Without ACPI a guest cannot be told to shut down, and takes no device while it runs. */
static void write_features(struct xml_writer *writer, const struct domain_plan *plan)
{
    xml_open(writer, "features", NULL);
    xml_empty(writer, "acpi");
    xml_empty(writer, "apic");
    if (!plan->is_test && !is_kvm(plan) && plan->memory_mib < SMALL_MIB) {
        xml_open(writer, "tcg", NULL);
        xml_open(writer, "tb-cache", "unit", "MiB", NULL);
        xml_write(writer, "32");
        xml_close(writer);
        xml_close(writer);
    }
    xml_close(writer);
}

/* Under KVM the host's processor, as far as another host could have it too; under TCG QEMU's own
 * choice, which every QEMU can do. Left to itself QEMU makes a socket of each vCPU, and some
 * systems use, or are paid for, no more than one or two. */
static void write_cpu(struct xml_writer *writer, const struct domain_plan *plan)
{
    char cores[24];
    (void)snprintf(cores, sizeof cores, "%" PRId64, plan->vcpus);
    xml_open(writer, "cpu", "mode", is_kvm(plan) ? "host-model" : NULL, NULL);
    xml_empty(writer, "topology", "sockets", "1", "cores", cores, "threads", "1");
    xml_close(writer);
}

static void write_machine(struct xml_writer *writer, const struct domain_plan *plan)
{
    write_os(writer, plan);
    write_features(writer, plan);
    write_cpu(writer, plan);
    xml_open(writer, "clock", "offset", "utc", NULL);
    if (!plan->is_test) {
        /* A tick that was missed is made up for; without HPET an idle guest costs less. */
        xml_empty(writer, "timer", "name", "rtc", "tickpolicy", "catchup");
        xml_empty(writer, "timer", "name", "pit", "tickpolicy", "delay");
        xml_empty(writer, "timer", "name", "hpet", "present", "no");
    }
    xml_close(writer);
    xml_element(writer, "on_poweroff", "destroy");
    xml_element(writer, "on_reboot", "restart");
    xml_element(writer, "on_crash", "destroy");
}

/* --- what it has ------------------------------------------------------------------------------ */

static void write_disk(struct xml_writer *writer, const struct domain_plan *plan,
                       const struct disk_row *disk)
{
    xml_open(writer, "disk", "type", "file", "device", "disk", NULL);
    /* libvirt's default of `cache`: "none" wants O_DIRECT, which not every file system has. */
    xml_empty(writer, "driver", "name", plan->is_test ? NULL : "qemu", "type", disk->format,
              "discard", plan->is_test ? NULL : "unmap");
    xml_empty(writer, "source", "file", disk->path);
    xml_empty(writer, "target", "dev", disk->target, "bus", "virtio");
    xml_close(writer);
}

/* Always there, if need be empty: media can be changed while the guest runs, a drive not added. */
static void write_drive(struct xml_writer *writer, const struct domain_plan *plan)
{
    xml_open(writer, "disk", "type", "file", "device", "cdrom", NULL);
    xml_empty(writer, "driver", "name", plan->is_test ? NULL : "qemu", "type", "raw");
    if (plan->iso != NULL) {
        xml_empty(writer, "source", "file", plan->iso);
    }
    xml_empty(writer, "target", "dev", "sda", "bus", "sata");
    xml_empty(writer, "readonly");
    xml_close(writer);
}

static void write_nic(struct xml_writer *writer, const struct domain_plan *plan)
{
    if (plan->network == NULL) {
        return;
    }
    bool user = strcmp(plan->network, "user") == 0;
    xml_open(writer, "interface", "type", user ? "user" : "network", NULL);
    if (plan->mac != NULL) {
        xml_empty(writer, "mac", "address", plan->mac);
    }
    if (!user) {
        xml_empty(writer, "source", "network", plan->network);
    }
    xml_empty(writer, "model", "type", "virtio");
    xml_close(writer);
}

static void write_screen(struct xml_writer *writer, const struct domain_plan *plan)
{
    if (!plan->vnc) {
        if (!plan->is_test) {
            xml_empty(writer, "controller", "type", "usb", "model", "none");
        }
        return;
    }
    if (plan->is_local && !plan->is_test) {
        /* No port and no file: who wants the screen gets a descriptor from libvirt. */
        xml_open(writer, "graphics", "type", "vnc", NULL);
        xml_empty(writer, "listen", "type", "none");
    } else {
        xml_open(writer, "graphics", "type", "vnc", "port", "-1", "autoport", "yes", NULL);
        xml_empty(writer, "listen", "type", "address", "address", "127.0.0.1");
    }
    xml_close(writer);
    if (!plan->is_test) {
        xml_open(writer, "video", NULL);
        xml_empty(writer, "model", "type", "vga", "vram", "16384", "heads", "1");
        xml_close(writer);
        /* A mouse's steps do not tell where a viewer's pointer is; a tablet's places do. */
        xml_empty(writer, "controller", "type", "usb", "model", "qemu-xhci");
        xml_empty(writer, "input", "type", "tablet", "bus", "usb");
    }
}

/* libvirt makes the console of the first serial port by itself. The port is a pty, since a file
 * cannot be opened as a console; the log keeps what was said before anyone looked. */
static void write_ports(struct xml_writer *writer, const struct domain_plan *plan)
{
    xml_open(writer, "serial", "type", "pty", NULL);
    if (plan->serial_log != NULL && !plan->is_test) {
        xml_empty(writer, "log", "file", plan->serial_log, "append", "on");
    }
    xml_close(writer);
    if (plan->agent && !plan->is_test) {
        xml_open(writer, "channel", "type", "unix", NULL);
        xml_empty(writer, "target", "type", "virtio", "name", "org.qemu.guest_agent.0");
        xml_close(writer);
    }
}

static void write_devices(struct xml_writer *writer, const struct domain_plan *plan)
{
    xml_open(writer, "devices", NULL);
    for (size_t i = 0; i < plan->disk_count; i++) {
        write_disk(writer, plan, &plan->disks[i]);
    }
    write_drive(writer, plan);
    write_nic(writer, plan);
    write_screen(writer, plan);
    write_ports(writer, plan);
    if (!plan->is_test) {
        xml_empty(writer, "memballoon", "model", "virtio");
        xml_open(writer, "rng", "model", "virtio", NULL);
        xml_open(writer, "backend", "model", "random", NULL);
        xml_write(writer, "/dev/urandom");
        xml_close(writer);
        xml_close(writer);
    }
    xml_close(writer);
}

char *domain_xml_write(const struct domain_plan *plan, struct lodge_error *err)
{
    struct xml_writer writer;
    xml_writer_start(&writer);
    xml_open(&writer, "domain", "type", plan->is_test ? "test" : plan->virt_type, NULL);
    xml_element(&writer, "name", plan->name);
    xml_element(&writer, "uuid", plan->uuid);
    write_metadata(&writer, plan);
    xml_open(&writer, "memory", "unit", "MiB", NULL);
    write_number(&writer, plan->memory_mib);
    xml_close(&writer);
    xml_open(&writer, "vcpu", NULL);
    write_number(&writer, plan->vcpus);
    xml_close(&writer);
    write_machine(&writer, plan);
    write_devices(&writer, plan);
    xml_close(&writer);
    return xml_writer_end(&writer, "the domain's XML", err);
}
