/*
 * domain_xml_read: picks the elements that are told of a domain out of libxml2's tree; facts own
 * copies of their texts, the tree goes when it has been read.
 *
 * Whoever defines a domain may write a million of anything into it, so every list here has a bound.
 */
#include "host/xml/domain_xml_read.h"
#include "host/xml/libvirt_xml.h"
#include "memory.h"
#include "scope.h"

#include <libxml/globals.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

/* More than QEMU can have; beyond it somebody is playing. */
enum { MOST_DEVICES = 1024, MOST_BOOTS = 64, MOST_TAGS = 64, MOST_HOSTS = 16 };

static void libxml_ignore(void *unused, const char *format, ...)
{
    (void)unused;
    (void)format;
}

void domain_xml_start(void)
{
    xmlInitParser();
    /* libvirt reads XML too, and libxml2 would write its complaints to the terminal. */
    xmlSetGenericErrorFunc(NULL, libxml_ignore);
    xmlThrDefSetGenericErrorFunc(NULL, libxml_ignore);
}

static int64_t vcpus_of(const xmlNode *node)
{
    AUTO(free) char *current = xml_attribute(node, "current");
    AUTO(free) char *most = xml_text(node);
    int64_t vcpus = xml_number(current);
    return vcpus != LODGE_UNKNOWN ? vcpus : xml_number(most);
}

/* Hosts of a network's disk: HOST[:PORT],… */
static char *source_hosts(const xmlNode *source)
{
    char *hosts = xstrdup("");
    size_t count = 0;
    for (const xmlNode *node = source->children; node != NULL; node = node->next) {
        if (!xml_is_called(node, "host") || ++count > MOST_HOSTS) {
            continue;
        }
        AUTO(free) char *name = xml_attribute(node, "name");
        AUTO(free) char *port = xml_attribute(node, "port");
        AUTO(free) char *socket = xml_attribute(node, "socket");
        AUTO(free) char *before = hosts;
        hosts = xasprintf("%s%s%s%s%s", before, *before == '\0' ? "" : ",",
                          name != NULL     ? name
                          : socket != NULL ? socket
                                           : "",
                          port == NULL ? "" : ":", port == NULL ? "" : port);
    }
    return hosts;
}

/* What is no file is shown whole, as a URI has it. NULL: it is none of these. */
static char *foreign_source(const char *type, const xmlNode *source)
{
    if (source == NULL || type == NULL) {
        return NULL;
    }
    if (strcmp(type, "network") == 0) {
        AUTO(free) char *protocol = xml_attribute(source, "protocol");
        AUTO(free) char *name = xml_attribute(source, "name");
        AUTO(free) char *hosts = source_hosts(source);
        return xasprintf("%s://%s%s%s", protocol == NULL ? "network" : protocol, hosts,
                         name != NULL && *name == '/' ? "" : "/", name == NULL ? "" : name);
    }
    if (strcmp(type, "nvme") == 0) {
        static const char *const parts[] = {"domain", "bus", "slot", "function"};
        const xmlNode *address = xml_child(source, "address");
        unsigned long number[ARRAY_LENGTH(parts)];
        for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
            AUTO(free) char *text = xml_attribute(address, parts[i]);
            number[i] = text == NULL ? 0 : strtoul(text, NULL, 0);
        }
        AUTO(free) char *namespace = xml_attribute(source, "namespace");
        return xasprintf("nvme://%04lx:%02lx:%02lx.%lx/%s", number[0], number[1], number[2],
                         number[3], namespace == NULL ? "" : namespace);
    }
    if (strcmp(type, "vhostuser") == 0) {
        AUTO(free) char *path = xml_attribute(source, "path");
        return xasprintf("vhost-user:%s", path == NULL ? "" : path);
    }
    return NULL;
}

static char *disk_source(const char *type, const xmlNode *source)
{
    static const char *const attributes[] = {"file", "dev", "dir", "name"};
    char *foreign = foreign_source(type, source);
    if (foreign != NULL) {
        return foreign;
    }
    AUTO(free) char *pool = xml_attribute(source, "pool");
    AUTO(free) char *volume = xml_attribute(source, "volume");
    if (pool != NULL && volume != NULL) {
        return xasprintf("%s/%s", pool, volume);
    }
    char *path = NULL;
    for (size_t i = 0; path == NULL && i < ARRAY_LENGTH(attributes); i++) {
        path = xml_attribute(source, attributes[i]);
    }
    return path;
}

static void read_disk_element(const xmlNode *node, struct domain_facts *facts)
{
    if (facts->disk_count >= MOST_DEVICES) {
        return;
    }
    facts->disks = xrealloc(facts->disks, (facts->disk_count + 1) * sizeof *facts->disks);
    struct lodge_disk *disk = &facts->disks[facts->disk_count++];
    char *device = xml_attribute(node, "device");
    AUTO(free) char *type = xml_attribute(node, "type");
    *disk = (struct lodge_disk){
        .target = xml_attribute(xml_child(node, "target"), "dev"),
        .path = disk_source(type, xml_child(node, "source")),
        .format = xml_attribute(xml_child(node, "driver"), "type"),
        .device = device != NULL ? device : xstrdup("disk"),
        .size_gib = LODGE_UNKNOWN,
    };
}

static char *nic_network(const xmlNode *node)
{
    static const char *const attributes[] = {"network", "bridge", "dev", "name"};
    char *network = NULL;
    for (size_t i = 0; network == NULL && i < ARRAY_LENGTH(attributes); i++) {
        network = xml_attribute(xml_child(node, "source"), attributes[i]);
    }
    return network != NULL ? network : xml_attribute(node, "type");
}

static void read_nic(const xmlNode *node, struct domain_facts *facts)
{
    if (facts->nic_count >= MOST_DEVICES) {
        return;
    }
    facts->nics = xrealloc(facts->nics, (facts->nic_count + 1) * sizeof *facts->nics);
    facts->nics[facts->nic_count++] = (struct lodge_nic){
        .mac = xml_attribute(xml_child(node, "mac"), "address"),
        .network = nic_network(node),
        .model = xml_attribute(xml_child(node, "model"), "type"),
    };
}

static void strings_add(struct lodge_strings *list, const char *text)
{
    if (!lodge_strings_contain(list, text) && !lodge_strings_add(list, text)) {
        abort(); /* out of memory, as xmalloc */
    }
}

/* What can be booted from, by libvirt's word or the kind of device. */
static const char *boot_word(const char *device)
{
    static const struct {
        const char *libvirt;
        const char *word;
    } words[] = {
        {"hd", "disk"},     {"disk", "disk"},       {"lun", "disk"},
        {"cdrom", "cdrom"}, {"network", "network"}, {"interface", "network"},
    };
    for (size_t i = 0; device != NULL && i < ARRAY_LENGTH(words); i++) {
        if (strcmp(device, words[i].libvirt) == 0) {
            return words[i].word;
        }
    }
    return NULL;
}

static void read_os_boot(const xmlNode *os, struct domain_facts *facts)
{
    for (const xmlNode *node = os == NULL ? NULL : os->children; node != NULL; node = node->next) {
        if (xml_is_called(node, "boot")) {
            AUTO(free) char *device = xml_attribute(node, "dev");
            const char *word = boot_word(device);
            if (word != NULL) {
                strings_add(&facts->boot, word);
            }
        }
    }
}

/* A PC without one of its own has QEMU's BIOS; what another machine has is its own affair. */
static char *firmware_of(const xmlNode *os)
{
    const xmlNode *type = xml_child(os, "type");
    AUTO(free) char *firmware = xml_attribute(os, "firmware");
    AUTO(free) char *loader = xml_attribute(xml_child(os, "loader"), "type");
    AUTO(free) char *machine = xml_text(type);
    AUTO(free) char *arch = xml_attribute(type, "arch");
    bool is_efi = firmware != NULL && strcmp(firmware, "efi") == 0;
    bool is_flash = loader != NULL && strcmp(loader, "pflash") == 0;
    bool is_pc = arch == NULL || strcmp(arch, "x86_64") == 0 || strcmp(arch, "i686") == 0;
    if (is_efi || is_flash) {
        return xstrdup("uefi");
    }
    return is_pc && machine != NULL && strcmp(machine, "hvm") == 0 ? xstrdup("bios") : NULL;
}

/* <boot order='N'/> in devices: the kinds, by their lowest order. */
static void read_device_boot(const xmlNode *devices, struct domain_facts *facts)
{
    int64_t after = 0;
    for (int step = 0; step < MOST_BOOTS; step++) {
        int64_t lowest = INT64_MAX;
        const char *word = NULL;
        for (const xmlNode *node = devices->children; node != NULL; node = node->next) {
            const xmlNode *boot = node->type == XML_ELEMENT_NODE ? xml_child(node, "boot") : NULL;
            AUTO(free) char *order_text = xml_attribute(boot, "order");
            int64_t order = xml_number(order_text);
            if (order > after && order < lowest) {
                AUTO(free) char *device = xml_attribute(node, "device");
                lowest = order;
                word = boot_word(device != NULL ? device : (const char *)node->name);
            }
        }
        if (lowest == INT64_MAX) {
            return;
        }
        after = lowest;
        if (word != NULL) {
            strings_add(&facts->boot, word);
        }
    }
}

/* What lodge can show of several, else the first. */
static void read_graphics(const xmlNode *node, struct domain_facts *facts)
{
    AUTO(free) char *type = xml_attribute(node, "type");
    bool is_shown = type != NULL && strcmp(type, "vnc") == 0;
    if (type != NULL && (facts->graphics == NULL || is_shown)) {
        free(facts->graphics);
        facts->graphics = TAKE(type);
    }
}

static void read_devices(const xmlNode *devices, struct domain_facts *facts)
{
    for (const xmlNode *node = devices->children; node != NULL; node = node->next) {
        if (xml_is_called(node, "disk")) {
            read_disk_element(node, facts);
        } else if (xml_is_called(node, "interface")) {
            read_nic(node, facts);
        } else if (xml_is_called(node, "graphics")) {
            read_graphics(node, facts);
        }
    }
    if (facts->boot.count == 0) {
        read_device_boot(devices, facts);
    }
}

/* Who makes another domain of one's XML has the mark copied: it names the domain that it is of. One
 * without that name is of an older lodged. */
static struct domain_mark read_mark_element(const xmlNode *words, const char *uuid)
{
    struct domain_mark mark = {.op = 0};
    const xmlNode *made = xml_child(words, "made");
    AUTO(free) char *installation = made == NULL ? NULL : xml_attribute(made, "installation");
    AUTO(free) char *op = made == NULL ? NULL : xml_attribute(made, "op");
    AUTO(free) char *committed = made == NULL ? NULL : xml_attribute(made, "committed");
    AUTO(free) char *of = made == NULL ? NULL : xml_attribute(made, "uuid");
    bool is_copied = of != NULL && strcasecmp(of, uuid) != 0;
    if (installation != NULL && op != NULL && strlen(installation) < sizeof mark.installation &&
        !is_copied) {
        memcpy(mark.installation, installation, strlen(installation) + 1);
        mark.op = xml_number(op);
        mark.committed = committed != NULL && strcmp(committed, "1") == 0;
    }
    return mark;
}

struct domain_mark domain_xml_read_mark(const char *metadata, const char *uuid)
{
    struct lodge_error err = {0};
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(metadata, "vm", "lodge's metadata", &err);
    return doc == NULL ? (struct domain_mark){.op = 0}
                       : read_mark_element(xmlDocGetRootElement(doc), uuid);
}

static void read_tags(const xmlNode *metadata, struct domain_facts *facts)
{
    const xmlNode *ours = xml_child(metadata, "vm");
    if (ours == NULL || ours->ns == NULL ||
        strcmp((const char *)ours->ns->href, DOMAIN_XML_NAMESPACE) != 0) {
        return;
    }
    const struct domain_mark mark = read_mark_element(ours, facts->uuid);
    memcpy(facts->installation, mark.installation, sizeof facts->installation);
    facts->made_by = mark.op;
    facts->made_whole = mark.committed;
    for (const xmlNode *node = ours->children; node != NULL; node = node->next) {
        AUTO(free) char *tag = xml_is_called(node, "tag") ? xml_text(node) : NULL;
        if (tag != NULL && facts->tags.count < MOST_TAGS) {
            strings_add(&facts->tags, tag);
        }
    }
}

bool domain_xml_read(const char *xml, struct domain_facts *ret_facts, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    if (doc == NULL) {
        return false;
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    AUTO(free) char *uuid = xml_text(xml_child(root, "uuid"));
    if (uuid == NULL || strlen(uuid) != sizeof ret_facts->uuid - 1) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "domain XML without a uuid");
    }

    struct domain_facts facts = {
        .name = xml_text(xml_child(root, "name")),
        .vcpus = vcpus_of(xml_child(root, "vcpu")),
        .memory_mib = xml_mebibytes(xml_child(root, "memory")),
        .balloon_mib = xml_mebibytes(xml_child(root, "currentMemory")),
        .most_vcpus = LODGE_UNKNOWN,
        .most_memory_mib = LODGE_UNKNOWN,
    };
    memcpy(facts.uuid, uuid, sizeof facts.uuid);
    const xmlNode *os = xml_child(root, "os");
    facts.firmware = firmware_of(os);
    facts.kernel = xml_text(xml_child(os, "kernel"));
    read_os_boot(os, &facts);
    const xmlNode *devices = xml_child(root, "devices");
    if (devices != NULL) {
        read_devices(devices, &facts);
    }
    if (facts.graphics == NULL) {
        facts.graphics = xstrdup("none");
    }
    read_tags(xml_child(root, "metadata"), &facts);
    *ret_facts = facts;
    return true;
}

void domain_facts_clear(struct domain_facts *facts)
{
    for (size_t i = 0; i < facts->disk_count; i++) {
        free(facts->disks[i].target);
        free(facts->disks[i].path);
        free(facts->disks[i].format);
        free(facts->disks[i].device);
    }
    for (size_t i = 0; i < facts->nic_count; i++) {
        free(facts->nics[i].mac);
        free(facts->nics[i].network);
        free(facts->nics[i].model);
    }
    free(facts->name);
    free(facts->graphics);
    free(facts->firmware);
    free(facts->kernel);
    free(facts->disks);
    free(facts->nics);
    lodge_strings_clear(&facts->boot);
    lodge_strings_clear(&facts->tags);
    lodge_strings_clear(&facts->pending);
    *facts = (struct domain_facts){0};
}
