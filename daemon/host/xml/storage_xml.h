/* storage_xml: the XML of libvirt's volumes, pools and networks, as far as lodge has to do with it.
 * Any thread. */
#ifndef HOST_STORAGE_XML_H
#define HOST_STORAGE_XML_H

#include "lodge/error.h"

#include <stdint.h>

/* A thin volume. The caller frees; NULL with INTERNAL. */
char *storage_xml_volume(const char *name, const char *format, int64_t size_gib,
                         struct lodge_error *err);

/* A pool of type dir, whose folder, if it has to be made, others may pass and not list. */
char *storage_xml_pool(const char *name, const char *dir, struct lodge_error *err);

/* Of a pool: its type ("dir"), and where it is (NULL where it has no path). */
struct storage_xml_facts {
    char *type;
    char *path;
};
bool storage_xml_read_pool(const char *xml, struct storage_xml_facts *ret_facts,
                           struct lodge_error *err) LODGE_MUST_CHECK;
void storage_xml_facts_clear(struct storage_xml_facts *facts);

/* Of a volume: what libvirt believes that it is based on (NULL: on nothing). */
struct storage_xml_backing {
    char *path;
    bool may_name_others; /* it is not said to be raw */
};
bool storage_xml_read_backing(const char *xml, struct storage_xml_backing *ret_backing,
                              struct lodge_error *err) LODGE_MUST_CHECK;
void storage_xml_backing_clear(struct storage_xml_backing *backing);

/* How a network forwards: "nat", "route", …, "isolated". The caller frees. */
char *storage_xml_network_kind(const char *xml, struct lodge_error *err);

#endif
