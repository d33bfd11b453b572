/*
 * domain_xml_memory: <memory> is the guest's NUMA cells and all its memory devices together,
 * whatever stands in it: libvirt adds them up when it defines a domain
 * (virDomainDefPostParseMemory), each model by its <size>, also where a guest has no use for all of
 * it (virtio-mem, nvdimm).
 *
 * 1024 MiB asked of a cell and a DIMM of 512 is a cell of 512: devices stay, since a guest's
 * definition says where they are plugged in. What cannot be exact is refused before anything
 * changes. Sizes are KiB, as libvirt counts; the tree is the caller's.
 */
#include "host/xml/domain_xml_memory.h"
#include "host/xml/domain_xml_edit.h"
#include "host/xml/libvirt_xml.h"
#include "lodge/vm.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* libvirt takes any size and rounds it up when the guest starts: cells to whole MiB, each device to
 * 2 MiB (x86; 9.0 makes 514 of 512.5). */
enum { KIB_OF_MIB = 1024, DEVICE_STEP_KIB = 2 * KIB_OF_MIB };
static const int64_t most_kib = INT64_MAX / 4; /* two of them can be added */

/* What its parts are, as they are defined. */
struct parts {
    xmlNode *cell; /* the first; NULL: none */
    int64_t cells, cells_kib;
    int64_t devices_kib;
    int64_t fixed_kib;      /* of these, what no balloon reaches */
    bool devices_are_whole; /* each one libvirt leaves as it is */
};

static int64_t memory_size_of(const xmlNode *node)
{
    AUTO(free) char *number = xml_text(node);
    AUTO(free) char *unit = xml_attribute(node, "unit");
    return xml_kibibytes(number, unit);
}

static int64_t cell_size(const xmlNode *cell)
{
    AUTO(free) char *number = xml_attribute(cell, "memory");
    AUTO(free) char *unit = xml_attribute(cell, "unit");
    return xml_kibibytes(number, unit);
}

static bool add_size(int64_t *sum, int64_t kib)
{
    if (kib < 0 || kib > most_kib - *sum) {
        return false;
    }
    *sum += kib;
    return true;
}

static bool read_parts(const xmlNode *domain, struct parts *ret_parts)
{
    struct parts parts = {.devices_are_whole = true};
    const xmlNode *numa = xml_child(xml_child(domain, "cpu"), "numa");
    for (xmlNode *node = numa == NULL ? NULL : numa->children; node != NULL; node = node->next) {
        if (!xml_is_called(node, "cell")) {
            continue;
        }
        parts.cell = parts.cell != NULL ? parts.cell : node;
        parts.cells++;
        if (!add_size(&parts.cells_kib, cell_size(node))) {
            return false;
        }
    }
    const xmlNode *devices = xml_child(domain, "devices");
    for (const xmlNode *node = devices == NULL ? NULL : devices->children; node != NULL;
         node = node->next) {
        if (!xml_is_called(node, "memory")) {
            continue;
        }
        int64_t kib = memory_size_of(xml_child(xml_child(node, "target"), "size"));
        if (!add_size(&parts.devices_kib, kib)) {
            return false;
        }
        AUTO(free) char *model = xml_attribute(node, "model");
        bool is_dimm = model != NULL && strcmp(model, "dimm") == 0;
        parts.fixed_kib += is_dimm ? 0 : kib;
        parts.devices_are_whole = parts.devices_are_whole && kib % DEVICE_STEP_KIB == 0;
    }
    *ret_parts = parts;
    return true;
}

static bool refuse_sizes(struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                      "its memory is made of parts whose sizes lodge cannot read");
}

/* The huge pages that the memory outside of devices is made of; LODGE_UNKNOWN: none, or of the
 * host's own size. A page for certain cells goes before one for all. */
static int64_t page_size(const xmlNode *domain)
{
    const xmlNode *huge = xml_child(xml_child(domain, "memoryBacking"), "hugepages");
    int64_t found = LODGE_UNKNOWN;
    for (const xmlNode *page = huge == NULL ? NULL : huge->children; page != NULL;
         page = page->next) {
        AUTO(free) char *size = xml_is_called(page, "page") ? xml_attribute(page, "size") : NULL;
        AUTO(free) char *unit = size == NULL ? NULL : xml_attribute(page, "unit");
        AUTO(free) char *cells = size == NULL ? NULL : xml_attribute(page, "nodeset");
        if (size != NULL && (cells != NULL || found == LODGE_UNKNOWN)) {
            found = xml_kibibytes(size, unit);
        }
        if (cells != NULL) {
            break;
        }
    }
    return found > 0 ? found : LODGE_UNKNOWN;
}

static bool check_devices(const struct parts *parts, int64_t asked, struct lodge_error *err)
{
    if (!parts->devices_are_whole) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "its memory devices (%" PRId64
                          " KiB) are no multiples of 2 MiB, to which each "
                          "is rounded up when it starts: it cannot have %" PRId64 " MiB exactly",
                          parts->devices_kib, asked / KIB_OF_MIB);
    }
    if (asked <= parts->devices_kib) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "its memory devices are %" PRId64
                          " MiB, and it needs memory beside them: "
                          "it cannot have %" PRId64 " MiB in all",
                          parts->devices_kib / KIB_OF_MIB, asked / KIB_OF_MIB);
    }
    return true;
}

static bool check_limits(const xmlNode *domain, int64_t asked, int64_t base, bool grows,
                         struct lodge_error *err)
{
    int64_t page = page_size(domain);
    if (page != LODGE_UNKNOWN && base % page != 0) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "its memory is made of huge pages of %" PRId64 " KiB, of which %" PRId64
                          " MiB is no whole number",
                          page, base / KIB_OF_MIB);
    }
    int64_t most = memory_size_of(xml_child(xml_child(domain, "memtune"), "hard_limit"));
    if (grows && most >= 0 && asked > most) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "its <memtune> has a hard_limit of %" PRId64
                          " MiB, beyond which its host "
                          "would kill it: it cannot have %" PRId64 " MiB",
                          most / KIB_OF_MIB, asked / KIB_OF_MIB);
    }
    return true;
}

/* In MiB, unless it says so already. */
static void size_set(xmlNode *node, int64_t kib)
{
    if (memory_size_of(node) != kib) {
        xml_set(node, "unit", "MiB");
        xml_set_content(node, kib / KIB_OF_MIB);
    }
}

bool domain_memory_edit(xmlNode *domain, int64_t mebibytes, struct lodge_error *err)
{
    struct parts parts;
    if (mebibytes < 0 || mebibytes > most_kib / KIB_OF_MIB || !read_parts(domain, &parts)) {
        return refuse_sizes(err);
    }
    int64_t asked = mebibytes * KIB_OF_MIB;
    int64_t now = parts.cells > 0 ? parts.cells_kib + parts.devices_kib
                                  : memory_size_of(xml_child(domain, "memory"));
    int64_t base = asked - parts.devices_kib;
    if (now != asked) {
        if (parts.cells > 1) {
            return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                              "its memory is spread over NUMA cells, which lodge does not edit");
        }
        if (!check_devices(&parts, asked, err) ||
            !check_limits(domain, asked, base, asked > now, err)) {
            return false;
        }
        if (parts.cell != NULL) {
            xml_set_number(parts.cell, "memory", base / KIB_OF_MIB);
            xml_set(parts.cell, "unit", "MiB");
        }
    }
    size_set(xml_child_made(domain, "memory"), asked);
    size_set(xml_child_made(domain, "currentMemory"), asked);
    xmlNode *most = xml_child(domain, "maxMemory");
    if (most != NULL && memory_size_of(most) < asked) {
        size_set(most, asked);
    }
    return true;
}

/* QEMU's balloon counts what the guest boots with and its DIMMs, no other device, and libvirt hands
 * it the number it is given. */
bool domain_xml_balloon(const char *xml, int64_t mebibytes, int64_t *ret_mebibytes,
                        struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    if (doc == NULL) {
        return false;
    }
    struct parts parts;
    const xmlNode *domain = xmlDocGetRootElement(doc);
    int64_t now = memory_size_of(xml_child(domain, "memory"));
    if (mebibytes < 0 || mebibytes > most_kib / KIB_OF_MIB || !read_parts(domain, &parts)) {
        return refuse_sizes(err);
    }
    int64_t asked = mebibytes * KIB_OF_MIB;
    if (asked > now) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "it was started with %" PRId64 " MiB, and cannot have more while it runs",
                          now / KIB_OF_MIB);
    }
    if (asked - parts.fixed_kib < KIB_OF_MIB) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "it has %" PRId64 " MiB in devices that do not shrink while it runs",
                          parts.fixed_kib / KIB_OF_MIB);
    }
    *ret_mebibytes = (asked - parts.fixed_kib) / KIB_OF_MIB;
    return true;
}
