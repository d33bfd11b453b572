/*
 * storage_xml: writes the XML of volumes and pools that lodge makes, and reads the few facts that
 * it needs of pools and networks that are there. What is returned is the caller's.
 */
#include "host/xml/storage_xml.h"
#include "host/xml/libvirt_xml.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void write_size(struct xml_writer *writer, const char *name, const char *unit, int64_t size)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, size);
    xml_open(writer, name, "unit", unit, NULL);
    xml_write(writer, text);
    xml_close(writer);
}

char *storage_xml_volume(const char *name, const char *format, int64_t size_gib,
                         struct lodge_error *err)
{
    struct xml_writer writer;
    xml_writer_start(&writer);
    xml_open(&writer, "volume", "type", "file", NULL);
    xml_element(&writer, "name", name);
    write_size(&writer, "capacity", "GiB", size_gib);
    write_size(&writer, "allocation", "bytes", 0);
    xml_open(&writer, "target", NULL);
    xml_empty(&writer, "format", "type", format);
    if (strcmp(format, "qcow2") == 0) {
        xml_element(&writer, "compat", "1.1"); /* libvirt's own default is a QEMU of 2011 */
    }
    xml_close(&writer);
    xml_close(&writer);
    return xml_writer_end(&writer, "the volume's XML", err);
}

char *storage_xml_pool(const char *name, const char *dir, struct lodge_error *err)
{
    struct xml_writer writer;
    xml_writer_start(&writer);
    xml_open(&writer, "pool", "type", "dir", NULL);
    xml_element(&writer, "name", name);
    xml_open(&writer, "target", NULL);
    xml_element(&writer, "path", dir);
    xml_open(&writer, "permissions", NULL);
    xml_element(&writer, "mode", "0711");
    xml_close(&writer);
    xml_close(&writer);
    xml_close(&writer);
    return xml_writer_end(&writer, "the pool's XML", err);
}

bool storage_xml_read_pool(const char *xml, struct storage_xml_facts *ret_facts,
                           struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "pool", "pool XML", err);
    if (doc == NULL) {
        return false;
    }
    const xmlNode *pool = xmlDocGetRootElement(doc);
    *ret_facts = (struct storage_xml_facts){
        .type = xml_attribute(pool, "type"),
        .path = xml_text(xml_child(xml_child(pool, "target"), "path")),
    };
    return true;
}

void storage_xml_facts_clear(struct storage_xml_facts *facts)
{
    free(facts->type);
    free(facts->path);
    *facts = (struct storage_xml_facts){0};
}

bool storage_xml_read_backing(const char *xml, struct storage_xml_backing *ret_backing,
                              struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "volume", "volume XML", err);
    if (doc == NULL) {
        return false;
    }
    const xmlNode *backing = xml_child(xmlDocGetRootElement(doc), "backingStore");
    AUTO(free) char *format = xml_attribute(xml_child(backing, "format"), "type");
    *ret_backing = (struct storage_xml_backing){
        .path = xml_text(xml_child(backing, "path")),
        .may_name_others = format == NULL || strcmp(format, "raw") != 0,
    };
    return true;
}

void storage_xml_backing_clear(struct storage_xml_backing *backing)
{
    free(backing->path);
    *backing = (struct storage_xml_backing){0};
}

char *storage_xml_network_kind(const char *xml, struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "network", "network XML", err);
    if (doc == NULL) {
        return NULL;
    }
    const xmlNode *forward = xml_child(xmlDocGetRootElement(doc), "forward");
    char *mode = xml_attribute(forward, "mode");
    if (mode == NULL) {
        mode = xstrdup(forward == NULL ? "isolated" : "nat");
    }
    return mode;
}
