/*
 * domain_xml_secrets: the XML becomes a tree of libxml2, loses its secrets and is printed again.
 * The tree is the call's, the text the caller's.
 *
 * What goes, with libvirt 9.0's reasons to have it:
 *   passwd       of VNC and SPICE; without VIR_DOMAIN_XML_SECURE libvirt writes "*****" there
 *   query        of a disk's web address, where signed addresses have their signature
 *   cookies      of a disk that a web server has
 *   commandline  arguments and environment that are handed to QEMU unread
 *   sysinfo      words for the guest, such as the credentials of its first boot
 * What an element refers to by uuid (<secret>, <auth>, <encryption>) is kept by libvirt elsewhere.
 */
#include "host/xml/domain_xml_secrets.h"
#include "host/xml/libvirt_xml.h"
#include "scope.h"

static bool is_secret(const xmlNode *node)
{
    static const char *const names[] = {"cookies", "commandline", "sysinfo"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        found |= xml_is_called(node, names[i]);
    }
    return found;
}

/* As deep as the parser lets it be. */
static void secrets_remove(xmlNode *node)
{
    xmlNode *next = NULL;
    (void)xmlUnsetProp(node, (const xmlChar *)"passwd");
    if (xml_is_called(node, "source")) {
        (void)xmlUnsetProp(node, (const xmlChar *)"query");
    }
    for (xmlNode *child = node->children; child != NULL; child = next) {
        next = child->next;
        if (is_secret(child)) {
            xml_remove(child);
        } else if (child->type == XML_ELEMENT_NODE) {
            secrets_remove(child);
        }
    }
}

char *domain_xml_without_secrets(const char *xml, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    if (doc == NULL) {
        return NULL;
    }
    secrets_remove(xmlDocGetRootElement(doc));
    return xml_print(doc);
}
