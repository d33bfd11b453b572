/* disk_source_xml.c: one <disk> of a domain's XML, which whoever defined the domain wrote: nothing
 * in it is taken for a path of lodge's before it was compared. */
#include "host/xml/disk_source_xml.h"
#include "host/xml/libvirt_xml.h"
#include "memory.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static bool is_disk_at(const xmlNode *node, const char *target)
{
    AUTO(free) char *device = xml_attribute(node, "device");
    AUTO(free) char *name = xml_attribute(xml_child(node, "target"), "dev");
    return (device == NULL || strcmp(device, "disk") == 0) && name != NULL &&
           strcmp(name, target) == 0;
}

static const xmlNode *disk_at(const xmlNode *domain, const char *target)
{
    const xmlNode *devices = xml_child(domain, "devices");
    const xmlNode *node = devices == NULL ? NULL : devices->children;
    while (node != NULL && !(xml_is_called(node, "disk") && is_disk_at(node, target))) {
        node = node->next;
    }
    return node;
}

/* The first of a source's attributes that says where it is. */
static char *source_place(const xmlNode *source)
{
    static const char *const attributes[] = {"file", "dev", "dir", "name", "path"};
    char *place = NULL;
    for (size_t i = 0; place == NULL && i < ARRAY_LENGTH(attributes); i++) {
        place = xml_attribute(source, attributes[i]);
    }
    return place;
}

static void read_source(const xmlNode *source, const char *type, struct disk_source *disk)
{
    bool is_part = xml_child(source, "slices") != NULL;
    AUTO(free) char *place = source_place(source);
    AUTO(free) char *pool = xml_attribute(source, "pool");
    AUTO(free) char *volume = xml_attribute(source, "volume");
    if (is_part) {
        disk->words = xasprintf("a part of %s", place == NULL ? "something" : place);
    } else if (strcmp(type, "file") == 0 && place != NULL) {
        disk->words = xstrdup(place);
        disk->file = TAKE(place);
    } else if (strcmp(type, "volume") == 0 && pool != NULL && volume != NULL) {
        disk->words = xasprintf("volume '%s' of pool '%s'", volume, pool);
        disk->pool = TAKE(pool);
        disk->volume = TAKE(volume);
    } else {
        disk->words = place == NULL ? xstrdup("nothing") : xasprintf("%s %s", type, place);
    }
}

bool disk_source_read(const char *xml, const char *target, struct disk_source *ret_source,
                      struct lodge_error *err)
{
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "domain XML", err);
    if (doc == NULL) {
        return false;
    }
    const xmlNode *node = disk_at(xmlDocGetRootElement(doc), target);
    if (node == NULL) {
        return lodge_fail(err, LODGE_ERROR_NOT_FOUND, "it has no disk '%s'", target);
    }
    AUTO(free) char *type = xml_attribute(node, "type");
    *ret_source = (struct disk_source){
        .format = xml_attribute(xml_child(node, "driver"), "type"),
    };
    read_source(xml_child(node, "source"), type == NULL ? "file" : type, ret_source);
    return true;
}

void disk_source_clear(struct disk_source *source)
{
    free(source->file);
    free(source->pool);
    free(source->volume);
    free(source->format);
    free(source->words);
    *source = (struct disk_source){0};
}
