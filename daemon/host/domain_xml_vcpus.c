/*
 * domain_xml_vcpus: <vcpu> and what tells of each vCPU. The tree is the caller's.
 */
#include "host/domain_xml_vcpus.h"
#include "host/libvirt_xml.h"
#include "memory.h"

#include <stdlib.h>

/* <vcpus> tells each vCPU, and a topology has a product that must be their number: what does not
 * fit any more goes, and libvirt fills in what it did before somebody said otherwise. */
static void forget_other_vcpus(xmlNode *domain, int64_t most)
{
    xml_remove(xml_child(domain, "vcpus"));
    xmlNode *topology = xml_child(xml_child(domain, "cpu"), "topology");
    static const char *const levels[] = {"sockets", "dies", "clusters", "cores", "threads"};
    int64_t product = 1;
    for (size_t i = 0; topology != NULL && i < ARRAY_LENGTH(levels); i++) {
        AUTO(free) char *text = xml_attribute(topology, levels[i]);
        int64_t count = xml_number(text);
        product *= count > 0 && count <= 4096 && product <= INT32_MAX ? count : 1;
    }
    if (topology != NULL && product != most) {
        xml_remove(topology);
    }
}

/* Somebody who left room for more (`current`) keeps it as far as it reaches. */
void domain_vcpus_edit(xmlNode *domain, int64_t vcpus)
{
    xmlNode *vcpu = xml_child_made(domain, "vcpu");
    AUTO(free) char *current = xml_attribute(vcpu, "current");
    AUTO(free) char *most_text = xml_text(vcpu);
    int64_t most = xml_number(most_text);
    if (current != NULL && vcpus <= most) {
        xml_set_number(vcpu, "current", vcpus);
        xml_remove(xml_child(domain, "vcpus"));
        return;
    }
    (void)xmlUnsetProp(vcpu, (const xmlChar *)"current");
    xml_set_content(vcpu, vcpus);
    forget_other_vcpus(domain, vcpus);
}
