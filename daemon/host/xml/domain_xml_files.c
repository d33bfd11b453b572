/*
 * domain_xml_files: one walk over a definition, which keeps whatever could be the name of a file.
 *
 * Nothing is owned but the list that the caller gave. Any thread.
 */
#include "host/xml/domain_xml_files.h"
#include "host/xml/libvirt_xml.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* No name of a file of lodge's is as short as a uuid, with which they all begin. */
enum { SHORTEST_TEXT = 37 };

static bool is_child_of(const xmlNode *node, const char *parent)
{
    return node->parent != NULL && xml_is_called(node->parent, parent);
}

static bool is_definition(const xmlNode *node)
{
    static const char *const names[] = {"domain", "inactiveDomain", "domainsnapshot",
                                        "domaincheckpoint"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (xml_is_called(node, names[i])) {
            return true;
        }
    }
    return false;
}

/* Words for people. */
static bool is_prose(const xmlNode *node)
{
    static const char *const names[] = {"name", "title", "description", "metadata"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (xml_is_called(node, names[i])) {
            return node->parent != NULL && is_definition(node->parent);
        }
    }
    return false;
}

/* The format that a sibling or child of `where` says, or NULL. */
static char *format_said(const xmlNode *where, const char *element)
{
    return xml_attribute(xml_child(where, element), "type");
}

static bool is_media(const xmlNode *disk)
{
    AUTO(free) char *device = xml_attribute(disk, "device");
    return xml_child(disk, "readonly") != NULL ||
           (device != NULL && strcmp(device, "disk") != 0 && strcmp(device, "lun") != 0);
}

/* What a file named by this element is. A disk without a format is raw, since libvirt probes none;
 * a backing store without one is what QEMU takes it for. */
static struct named_file kind_of_named(const xmlNode *node)
{
    struct named_file kind = {.as = NAMED_ANYHOW};
    AUTO(free) char *format = NULL;
    bool is_source = xml_is_called(node, "source");
    if (is_source && is_child_of(node, "disk")) {
        format = format_said(node->parent, "driver");
        kind.as = is_media(node->parent) ? NAMED_MEDIA : NAMED_DISK;
        kind.may_name_others = format != NULL && strcmp(format, "raw") != 0;
    } else if (is_source && (is_child_of(node, "backingStore") || is_child_of(node, "mirror"))) {
        format = format_said(node->parent, "format");
        kind.as = NAMED_BACKING;
        kind.may_name_others = format == NULL || strcmp(format, "raw") != 0;
    } else if (xml_is_called(node, "mirror")) {
        kind.as = NAMED_BACKING; /* its file an attribute, as libvirt once had it */
        kind.may_name_others = true;
    } else if (is_source && is_child_of(node, "dataStore")) {
        kind.as = NAMED_BACKING;
    } else if (xml_is_called(node, "nvram") || (is_source && is_child_of(node, "nvram"))) {
        kind.as = NAMED_NVRAM;
    } else if (xml_is_called(node, "memory") && is_child_of(node, "domainsnapshot")) {
        kind.as = NAMED_MEMORY;
    }
    return kind;
}

static void add_file(struct named_files *files, struct named_file file)
{
    files->items = xrealloc(files->items, (files->count + 1) * sizeof *files->items);
    files->items[files->count++] = file;
}

static void files_add_value(struct named_files *files, struct named_file kind, const char *value)
{
    if (value == NULL) {
        return;
    }
    value += strspn(value, " \t\r\n");
    if (value[0] == '/') {
        kind.path = xstrdup(value);
        add_file(files, kind);
    } else if (strlen(value) >= SHORTEST_TEXT) {
        kind.text = xstrdup(value);
        add_file(files, kind);
    }
}

static bool has_elements(const xmlNode *node)
{
    const xmlNode *child = node->children;
    while (child != NULL && child->type != XML_ELEMENT_NODE) {
        child = child->next;
    }
    return child != NULL;
}

/* Of QEMU's own command line, "file=/srv/a.qcow2,if=virtio": QEMU probes what no format is said of.
 */
static void add_words(struct named_files *files, const xmlNode *arg)
{
    AUTO(free) char *value = xml_attribute(arg, "value");
    bool is_raw = value != NULL &&
                  (strstr(value, "format=raw") != NULL || strstr(value, "driver=raw") != NULL);
    char *rest = value;
    for (char *word = value; word != NULL && rest != NULL; word = rest) {
        word = strsep(&rest, ",=\" {}[]");
        if (word[0] == '/') {
            files_add_value(
                files, (struct named_file){.as = NAMED_ANYHOW, .may_name_others = !is_raw}, word);
        }
    }
}

static void add_element(struct named_files *files, const xmlNode *node)
{
    if (xml_is_called(node, "arg") && is_child_of(node, "commandline")) {
        add_words(files, node);
    }
    struct named_file kind = kind_of_named(node);
    AUTO(free) char *pool = xml_attribute(node, "pool");
    AUTO(free) char *volume = xml_attribute(node, "volume");
    if (pool != NULL && volume != NULL) {
        struct named_file file = kind;
        file.pool = TAKE(pool);
        file.volume = TAKE(volume);
        add_file(files, file);
    }
    for (const xmlAttr *attribute = node->properties; attribute != NULL;
         attribute = attribute->next) {
        AUTO(free) char *value = xml_text((const xmlNode *)attribute);
        files_add_value(files, kind, value);
    }
    if (!has_elements(node)) {
        AUTO(free) char *text = xml_text(node);
        files_add_value(files, kind, text);
    }
}

/* libxml2 lets no document be deep enough to matter to a stack. */
static void add_below(struct named_files *files, const xmlNode *node)
{
    add_element(files, node);
    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && !is_prose(child)) {
            add_below(files, child);
        }
    }
}

static xmlDocPtr parse_definition(const char *xml, struct lodge_error *err)
{
    static const char *const roots[] = {"domain", "domainsnapshot"};
    for (size_t i = 0; i < ARRAY_LENGTH(roots); i++) {
        struct lodge_error why = {0};
        xmlDocPtr doc = xml_parse(xml, roots[i], "definition", &why);
        if (doc != NULL) {
            return doc;
        }
    }
    return xml_parse(xml, "domaincheckpoint", "definition", err);
}

bool domain_xml_files(const char *xml, struct named_files *files, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = parse_definition(xml, err);
    if (doc == NULL) {
        return false;
    }
    add_below(files, xmlDocGetRootElement(doc));
    return true;
}

void named_files_clear(struct named_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].path);
        free(files->items[i].pool);
        free(files->items[i].volume);
        free(files->items[i].text);
    }
    free(files->items);
    *files = (struct named_files){0};
}
