/*
 * domain_xml_edit: the XML becomes a tree of libxml2, is changed in place and printed again, so
 * that whatever lodge knows nothing of stays in it.
 *
 * Some elements must agree with others (the boot order of kinds with that of devices; memory and
 * vCPUs have files of their own): those that an edit would contradict are changed or removed with
 * it, or the edit is refused. The tree is the call's, texts are the caller's.
 */
#include "host/xml/domain_xml_edit.h"
#include "host/xml/domain_xml_memory.h"
#include "host/xml/domain_xml_read.h"
#include "host/xml/domain_xml_vcpus.h"
#include "host/xml/libvirt_xml.h"
#include "lodge/vm.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* libxml2 gives NULL only when memory is out, where a program of ours ends. */
static void *must_have(void *made)
{
    if (made == NULL) {
        abort();
    }
    return made;
}

static void children_remove(xmlNode *parent, const char *name)
{
    xmlNode *next = NULL;
    for (xmlNode *node = parent->children; node != NULL; node = next) {
        next = node->next;
        if (xml_is_called(node, name)) {
            xml_remove(node);
        }
    }
}

/* --- tags ------------------------------------------------------------------------------------- */

static xmlNode *our_words(const xmlNode *metadata)
{
    xmlNode *node = metadata == NULL ? NULL : metadata->children;
    while (node != NULL && (!xml_is_called(node, "vm") || node->ns == NULL ||
                            strcmp((const char *)node->ns->href, DOMAIN_XML_NAMESPACE) != 0)) {
        node = node->next;
    }
    return node;
}

static xmlNode *our_words_made(xmlNode *domain)
{
    xmlNode *metadata = xml_child_made(domain, "metadata");
    xmlNode *ours = our_words(metadata);
    if (ours == NULL) {
        ours = must_have(xmlNewChild(metadata, NULL, xml_bytes("vm"), NULL));
        xmlSetNs(ours,
                 must_have(xmlNewNs(ours, xml_bytes(DOMAIN_XML_NAMESPACE), xml_bytes("lodge"))));
    }
    return ours;
}

static bool refuse_text(const char *what, struct lodge_error *err)
{
    return lodge_fail(err, LODGE_ERROR_INTERNAL,
                      "%s has a control character, or is not UTF-8: XML cannot say it", what);
}

static bool edit_tags(xmlNode *domain, const struct lodge_strings *tags, struct lodge_error *err)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (!xml_can_say(tags->items[i])) {
            return refuse_text("a tag", err);
        }
    }
    xmlNode *ours = our_words(xml_child(domain, "metadata"));
    if (ours == NULL && tags->count == 0) {
        return true;
    }
    ours = our_words_made(domain);
    children_remove(ours, "tag");
    for (size_t i = 0; i < tags->count; i++) {
        must_have(xmlNewTextChild(ours, ours->ns, xml_bytes("tag"), xml_bytes(tags->items[i])));
    }
    return true;
}

/* --- boot order ------------------------------------------------------------------------------- */

static const char *edit_boot_device(const char *word)
{
    return strcmp(word, "disk") == 0 ? "hd" : word;
}

/* libvirt refuses devices with an order of their own beside an order of kinds. */
static void edit_boot(xmlNode *domain, const struct lodge_strings *boot,
                      struct lodge_strings *dropped)
{
    xmlNode *devices = xml_child(domain, "devices");
    for (xmlNode *node = devices == NULL ? NULL : devices->children; node != NULL;
         node = node->next) {
        xmlNode *of_device = xml_child(node, "boot");
        if (of_device != NULL) {
            xstrings_note(dropped, "the boot order of single devices");
        }
        xml_remove(of_device);
    }
    xmlNode *os = xml_child_made(domain, "os");
    children_remove(os, "boot");
    for (size_t i = 0; i < boot->count; i++) {
        xmlNode *node = must_have(xmlNewChild(os, NULL, xml_bytes("boot"), NULL));
        xml_set(node, "dev", edit_boot_device(boot->items[i]));
    }
}

/* --- media ------------------------------------------------------------------------------------ */

static bool is_drive(const xmlNode *disk, const char *target)
{
    AUTO(free) char *device = xml_attribute(disk, "device");
    AUTO(free) char *name = xml_attribute(xml_child(disk, "target"), "dev");
    bool takes_media = device != NULL && (strcmp(device, "cdrom") == 0 ||
                                          (target != NULL && strcmp(device, "floppy") == 0));
    return takes_media && name != NULL && (target == NULL || strcmp(name, target) == 0);
}

static xmlNode *drive_find(const xmlNode *domain, const char *target, struct lodge_error *err)
{
    xmlNode *devices = xml_child(domain, "devices");
    xmlNode *node = devices == NULL ? NULL : devices->children;
    while (node != NULL && !(xml_is_called(node, "disk") && is_drive(node, target))) {
        node = node->next;
    }
    if (node == NULL && target != NULL) {
        lodge_fail(err, LODGE_ERROR_NOT_FOUND, "it has no drive '%s'", target);
    } else if (node == NULL) {
        lodge_fail(err, LODGE_ERROR_NOT_FOUND, "it has no drive for media");
    }
    return node;
}

/* What was said of the medium before (its source, its chain, its format) goes with it. */
static bool drive_fill(xmlNode *disk, const char *iso, struct lodge_error *err)
{
    if (iso != NULL && !xml_can_say(iso)) {
        return refuse_text("the medium's path", err);
    }
    static const char *const of_the_medium[] = {"source", "backingStore", "mirror", "encryption"};
    for (size_t i = 0; i < ARRAY_LENGTH(of_the_medium); i++) {
        children_remove(disk, of_the_medium[i]);
    }
    xml_set(disk, "type", "file");
    xmlNode *driver = xml_child(disk, "driver");
    if (driver != NULL) {
        xml_set(driver, "type", "raw");
    }
    if (iso != NULL) {
        xmlNode *source = must_have(xmlNewNode(NULL, xml_bytes("source")));
        xml_set(source, "file", iso);
        must_have(xmlAddPrevSibling(xml_child(disk, "target"), source));
    }
    return true;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool edit_all(xmlNode *domain, const struct domain_edit *edit, struct lodge_strings *dropped,
                     struct lodge_error *err)
{
    if (edit->vcpus != LODGE_UNKNOWN && !domain_vcpus_edit(domain, edit->vcpus, dropped, err)) {
        return false;
    }
    if (edit->memory_mib != LODGE_UNKNOWN && !domain_memory_edit(domain, edit->memory_mib, err)) {
        return false;
    }
    if (edit->tags != NULL && !edit_tags(domain, edit->tags, err)) {
        return false;
    }
    if (edit->boot != NULL) {
        edit_boot(domain, edit->boot, dropped);
    }
    if (edit->media) {
        xmlNode *drive = drive_find(domain, edit->media_target, err);
        return drive != NULL && drive_fill(drive, edit->iso, err);
    }
    return true;
}

char *domain_xml_edit(const char *xml, const struct domain_edit *edit,
                      struct lodge_strings *dropped, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    if (doc == NULL || !edit_all(xmlDocGetRootElement(doc), edit, dropped, err)) {
        return NULL;
    }
    return xml_print(doc);
}

char *domain_xml_media(const char *xml, const char *target, const char *iso,
                       struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    xmlNode *drive = doc == NULL ? NULL : drive_find(xmlDocGetRootElement(doc), target, err);
    return drive != NULL && drive_fill(drive, iso, err) ? xml_print_node(doc, drive) : NULL;
}

static void namespaces_remove(xmlNode *node)
{
    node->ns = NULL;
    for (xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type == XML_ELEMENT_NODE) {
            namespaces_remove(child);
        }
    }
    xmlFreeNsList(node->nsDef); /* after those below, which pointed to it */
    node->nsDef = NULL;
}

char *domain_xml_words(const char *xml, const struct lodge_strings *tags, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    if (doc == NULL || !edit_tags(xmlDocGetRootElement(doc), tags, err)) {
        return NULL;
    }
    xmlNode *ours = our_words_made(xmlDocGetRootElement(doc));
    namespaces_remove(ours);
    return xml_print_node(doc, ours);
}

char *domain_xml_commit_mark(const char *words, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(words, "vm", "lodge's metadata", err);
    xmlNode *ours = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    xmlNode *made = ours == NULL ? NULL : xml_child(ours, "made");
    AUTO(free) char *committed = made == NULL ? NULL : xml_attribute(made, "committed");
    if (made == NULL || (committed != NULL && strcmp(committed, "1") == 0)) {
        return NULL;
    }
    xml_set(made, "committed", "1");
    namespaces_remove(ours);
    return xml_print_node(doc, ours);
}
