#include "host/domain_xml_read.h"
#include "memory.h"
#include "scope.h"

#include <errno.h>
#include <libxml/globals.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than QEMU can have; beyond it somebody is playing. */
enum { MOST_DEVICES = 1024, MOST_BOOTS = 64, MOST_TAGS = 64 };

DEFINE_AUTO(xmlDocPtr, xmlFreeDoc, NULL);
DEFINE_AUTO(xmlParserCtxtPtr, xmlFreeParserCtxt, NULL);

static void say_nothing(void *unused, const char *format, ...)
{
    (void)unused;
    (void)format;
}

void domain_xml_start(void)
{
    xmlInitParser();
    /* libvirt reads XML too, and libxml2 would write its complaints to the terminal. */
    xmlSetGenericErrorFunc(NULL, say_nothing);
    xmlThrDefSetGenericErrorFunc(NULL, say_nothing);
}

static bool is_called(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *child(const xmlNode *parent, const char *name)
{
    xmlNode *node = parent == NULL ? NULL : parent->children;
    while (node != NULL && !is_called(node, name)) {
        node = node->next;
    }
    return node;
}

/* Owned by the caller, or NULL; empty is NULL too. */
static char *heap_text(xmlChar *text)
{
    char *copy = text == NULL || *text == '\0' ? NULL : xstrdup((const char *)text);
    xmlFree(text);
    return copy;
}

static char *text_of(const xmlNode *node)
{
    return node == NULL ? NULL : heap_text(xmlNodeGetContent(node));
}

static char *attribute(const xmlNode *node, const char *name)
{
    return node == NULL ? NULL : heap_text(xmlGetNoNsProp(node, (const xmlChar *)name));
}

static int64_t number_of(const char *text)
{
    if (text == NULL) {
        return LODGE_UNKNOWN;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    end += strspn(end, " \t\r\n");
    return errno != 0 || end == text || *end != '\0' || number < 0 ? LODGE_UNKNOWN : number;
}

/* libvirt's units: "KiB" and "k" are 1024, "KB" is 1000, and so on; without one it is KiB. */
static double unit_bytes(const char *unit)
{
    static const char letters[] = "kmgtpe";
    if (unit == NULL) {
        return 1024;
    }
    if (strcmp(unit, "b") == 0 || strcmp(unit, "bytes") == 0) {
        return 1;
    }
    char first = (char)(unit[0] | 0x20);
    const char *place = strchr(letters, first);
    if (first == '\0' || place == NULL) {
        return 0;
    }
    bool is_decimal = strcmp(unit + 1, "B") == 0 || strcmp(unit + 1, "b") == 0;
    double bytes = 1;
    for (const char *letter = letters; letter <= place; letter++) {
        bytes *= is_decimal ? 1000 : 1024;
    }
    return bytes;
}

static int64_t mebibytes_of(const xmlNode *node)
{
    AUTO(free) char *text = text_of(node);
    AUTO(free) char *unit = attribute(node, "unit");
    int64_t number = number_of(text);
    double bytes = (double)number * unit_bytes(unit);
    if (number < 0 || bytes <= 0 || bytes > 9e18) {
        return LODGE_UNKNOWN;
    }
    return (int64_t)(bytes / (1024.0 * 1024.0) + 0.5);
}

static int64_t vcpus_of(const xmlNode *node)
{
    AUTO(free) char *current = attribute(node, "current");
    AUTO(free) char *most = text_of(node);
    int64_t vcpus = number_of(current);
    return vcpus != LODGE_UNKNOWN ? vcpus : number_of(most);
}

static char *disk_source(const xmlNode *source)
{
    static const char *const attributes[] = {"file", "dev", "dir", "name"};
    AUTO(free) char *pool = attribute(source, "pool");
    AUTO(free) char *volume = attribute(source, "volume");
    if (pool != NULL && volume != NULL) {
        return xasprintf("%s/%s", pool, volume);
    }
    char *path = NULL;
    for (size_t i = 0; path == NULL && i < ARRAY_LENGTH(attributes); i++) {
        path = attribute(source, attributes[i]);
    }
    return path;
}

static void read_disk(const xmlNode *node, struct domain_facts *facts)
{
    if (facts->disk_count >= MOST_DEVICES) {
        return;
    }
    facts->disks = xrealloc(facts->disks, (facts->disk_count + 1) * sizeof *facts->disks);
    struct lodge_disk *disk = &facts->disks[facts->disk_count++];
    char *device = attribute(node, "device");
    *disk = (struct lodge_disk){
        .target = attribute(child(node, "target"), "dev"),
        .path = disk_source(child(node, "source")),
        .format = attribute(child(node, "driver"), "type"),
        .device = device != NULL ? device : xstrdup("disk"),
        .size_gib = LODGE_UNKNOWN,
    };
}

static char *nic_network(const xmlNode *node)
{
    static const char *const attributes[] = {"network", "bridge", "dev", "name"};
    char *network = NULL;
    for (size_t i = 0; network == NULL && i < ARRAY_LENGTH(attributes); i++) {
        network = attribute(child(node, "source"), attributes[i]);
    }
    return network != NULL ? network : attribute(node, "type");
}

static void read_nic(const xmlNode *node, struct domain_facts *facts)
{
    if (facts->nic_count >= MOST_DEVICES) {
        return;
    }
    facts->nics = xrealloc(facts->nics, (facts->nic_count + 1) * sizeof *facts->nics);
    facts->nics[facts->nic_count++] = (struct lodge_nic){
        .mac = attribute(child(node, "mac"), "address"),
        .network = nic_network(node),
        .model = attribute(child(node, "model"), "type"),
    };
}

static void add(struct lodge_strings *list, const char *text)
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
        if (is_called(node, "boot")) {
            AUTO(free) char *device = attribute(node, "dev");
            const char *word = boot_word(device);
            if (word != NULL) {
                add(&facts->boot, word);
            }
        }
    }
}

/* <boot order='N'/> in devices: the kinds, by their lowest order. */
static void read_device_boot(const xmlNode *devices, struct domain_facts *facts)
{
    int64_t after = 0;
    for (int step = 0; step < MOST_BOOTS; step++) {
        int64_t lowest = INT64_MAX;
        const char *word = NULL;
        for (const xmlNode *node = devices->children; node != NULL; node = node->next) {
            const xmlNode *boot = node->type == XML_ELEMENT_NODE ? child(node, "boot") : NULL;
            AUTO(free) char *order_text = attribute(boot, "order");
            int64_t order = number_of(order_text);
            if (order > after && order < lowest) {
                AUTO(free) char *device = attribute(node, "device");
                lowest = order;
                word = boot_word(device != NULL ? device : (const char *)node->name);
            }
        }
        if (lowest == INT64_MAX) {
            return;
        }
        after = lowest;
        if (word != NULL) {
            add(&facts->boot, word);
        }
    }
}

static void read_devices(const xmlNode *devices, struct domain_facts *facts)
{
    for (const xmlNode *node = devices->children; node != NULL; node = node->next) {
        if (is_called(node, "disk")) {
            read_disk(node, facts);
        } else if (is_called(node, "interface")) {
            read_nic(node, facts);
        } else if (is_called(node, "graphics") && facts->graphics == NULL) {
            facts->graphics = attribute(node, "type");
        }
    }
    if (facts->boot.count == 0) {
        read_device_boot(devices, facts);
    }
}

static void read_tags(const xmlNode *metadata, struct domain_facts *facts)
{
    const xmlNode *ours = child(metadata, "vm");
    if (ours == NULL || ours->ns == NULL ||
        strcmp((const char *)ours->ns->href, DOMAIN_XML_NAMESPACE) != 0) {
        return;
    }
    for (const xmlNode *node = ours->children; node != NULL; node = node->next) {
        AUTO(free) char *tag = is_called(node, "tag") ? text_of(node) : NULL;
        if (tag != NULL && facts->tags.count < MOST_TAGS) {
            add(&facts->tags, tag);
        }
    }
}

/* libvirt writes no document type, so whoever has one wants entities. */
static void refuse_document_type(void *data, const xmlChar *name, const xmlChar *external,
                                 const xmlChar *system_id)
{
    (void)name;
    (void)external;
    (void)system_id;
    xmlParserCtxtPtr parser = data;
    parser->wellFormed = 0;
    xmlStopParser(parser);
}

static xmlDocPtr parse(const char *xml, size_t length)
{
    AUTO(xmlFreeParserCtxt) xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (parser == NULL) {
        return NULL;
    }
    parser->sax->internalSubset = refuse_document_type;
    parser->sax->externalSubset = refuse_document_type;
    xmlDocPtr doc = xmlCtxtReadMemory(parser, xml, (int)length, NULL, NULL,
                                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                          XML_PARSE_NOBLANKS | XML_PARSE_COMPACT);
    return doc;
}

bool domain_xml_read(const char *xml, struct domain_facts *ret_facts, struct lodge_error *err)
{
    size_t length = strnlen(xml, DOMAIN_XML_MAX + 1);
    if (length > DOMAIN_XML_MAX) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "domain XML of more than %d MiB",
                          DOMAIN_XML_MAX / 1024 / 1024);
    }
    AUTO(xmlFreeDoc) xmlDocPtr doc = parse(xml, length);
    const xmlNode *root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    if (root == NULL || !is_called(root, "domain")) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "this is no domain XML");
    }
    AUTO(free) char *uuid = text_of(child(root, "uuid"));
    if (uuid == NULL || strlen(uuid) != sizeof ret_facts->uuid - 1) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "domain XML without a uuid");
    }

    struct domain_facts facts = {
        .name = text_of(child(root, "name")),
        .vcpus = vcpus_of(child(root, "vcpu")),
        .memory_mib = mebibytes_of(child(root, "memory")),
    };
    memcpy(facts.uuid, uuid, sizeof facts.uuid);
    read_os_boot(child(root, "os"), &facts);
    const xmlNode *devices = child(root, "devices");
    if (devices != NULL) {
        read_devices(devices, &facts);
    }
    if (facts.graphics == NULL) {
        facts.graphics = xstrdup("none");
    }
    read_tags(child(root, "metadata"), &facts);
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
    free(facts->disks);
    free(facts->nics);
    lodge_strings_clear(&facts->boot);
    lodge_strings_clear(&facts->tags);
    *facts = (struct domain_facts){0};
}
