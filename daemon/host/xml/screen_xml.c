/*
 * screen_xml: finds the first <graphics type='vnc'> and its number among all <graphics>, by which
 * libvirt calls it. The place owns its texts.
 */
#include "host/xml/screen_xml.h"

#include "host/xml/libvirt_xml.h"
#include "lodge/vm.h"
#include "memory.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535 };

/* libvirt repeats the first <listen> in the element's own attributes. */
static void read_place(const xmlNode *graphics, struct screen_place *place)
{
    const xmlNode *listen = xml_child(graphics, "listen");
    AUTO(free) char *port = xml_attribute(graphics, "port");
    int64_t number = xml_number(port);
    place->socket = xml_attribute(graphics, "socket");
    if (place->socket == NULL && listen != NULL) {
        place->socket = xml_attribute(listen, "socket");
    }
    place->listen = xml_attribute(graphics, "listen");
    if (place->listen == NULL && listen != NULL) {
        place->listen = xml_attribute(listen, "address");
    }
    place->port = number > 0 && number <= PORT_MAX ? number : LODGE_UNKNOWN;
}

bool screen_xml_read(const char *xml, struct screen_place *ret_place, struct lodge_error *err)
{
    *ret_place = (struct screen_place){.index = -1, .port = LODGE_UNKNOWN};
    AUTO(xmlFreeDoc) xmlDocPtr doc = xml_parse(xml, "domain", "a domain", err);
    if (doc == NULL) {
        return false;
    }
    const xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
    int index = 0;
    for (const xmlNode *node = devices == NULL ? NULL : devices->children; node != NULL;
         node = node->next) {
        if (!xml_is_called(node, "graphics")) {
            continue;
        }
        AUTO(free) char *type = xml_attribute(node, "type");
        if (type != NULL && strcmp(type, "vnc") == 0) {
            ret_place->index = index;
            read_place(node, ret_place);
            return true;
        }
        index++;
    }
    return true;
}

void screen_place_clear(struct screen_place *place)
{
    free(place->socket);
    free(place->listen);
    *place = (struct screen_place){.index = -1, .port = LODGE_UNKNOWN};
}
