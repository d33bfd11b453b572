/*
 * belongings_xml: what a domain's XML says of files that libvirt keeps for it: its NVRAM, its TPM.
 * The words are whoever's edited the domain last. Any thread.
 */
#include "host/xml/belongings_xml.h"
#include "host/xml/libvirt_xml.h"

#include <stdlib.h>
#include <string.h>

/* <nvram>PATH</nvram>, or since 8.5 <nvram type='file'><source file='PATH'/></nvram>. */
static char *nvram_path(const xmlNode *os)
{
    const xmlNode *nvram = xml_child(os, "nvram");
    const xmlNode *source = xml_child(nvram, "source");
    return source != NULL ? xml_attribute(source, "file") : xml_text(nvram);
}

static void read_tpm(const xmlNode *tpm, struct belongings_xml *said)
{
    const xmlNode *backend = xml_child(tpm, "backend");
    AUTO(free) char *type = xml_attribute(backend, "type");
    if (type != NULL && strcmp(type, "emulator") == 0) {
        said->has_tpm = true;
        said->tpm = xml_attribute(xml_child(backend, "source"), "path");
    }
}

bool belongings_xml_read(const char *xml, struct belongings_xml *ret_said, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    if (doc == NULL) {
        return false;
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    const xmlNode *os = xml_child(root, "os");
    AUTO(free) char *firmware = xml_attribute(os, "firmware");
    struct belongings_xml said = {.nvram = nvram_path(os)};
    said.has_nvram = said.nvram != NULL || (firmware != NULL && strcmp(firmware, "efi") == 0);
    const xmlNode *devices = xml_child(root, "devices");
    for (const xmlNode *node = devices == NULL ? NULL : devices->children;
         node != NULL && !said.has_tpm; node = node->next) {
        if (xml_is_called(node, "tpm")) {
            read_tpm(node, &said);
        }
    }
    *ret_said = said;
    return true;
}

void belongings_xml_clear(struct belongings_xml *said)
{
    free(said->nvram);
    free(said->tpm);
    *said = (struct belongings_xml){0};
}
