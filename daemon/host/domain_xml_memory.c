/*
 * domain_xml_memory: <memory> and what it is made of. The tree is the caller's.
 */
#include "host/domain_xml_memory.h"
#include "host/libvirt_xml.h"

static void mebibytes_set(xmlNode *node, int64_t mebibytes)
{
    xml_set(node, "unit", "MiB");
    xml_set_content(node, mebibytes);
}

/* With NUMA cells their sum is what libvirt takes for the memory, whatever <memory> says. */
static bool edit_cells(xmlNode *domain, int64_t mebibytes, struct lodge_error *err)
{
    xmlNode *numa = xml_child(xml_child(domain, "cpu"), "numa");
    xmlNode *cell = xml_child(numa, "cell");
    xmlNode *other = cell == NULL ? NULL : cell->next;
    while (other != NULL && !xml_is_called(other, "cell")) {
        other = other->next;
    }
    if (other != NULL) {
        return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                          "its memory is spread over NUMA cells, which lodge does not edit");
    }
    if (cell != NULL) {
        xml_set_number(cell, "memory", mebibytes);
        xml_set(cell, "unit", "MiB");
    }
    return true;
}

bool domain_memory_edit(xmlNode *domain, int64_t mebibytes, struct lodge_error *err)
{
    if (!edit_cells(domain, mebibytes, err)) {
        return false;
    }
    mebibytes_set(xml_child_made(domain, "memory"), mebibytes);
    mebibytes_set(xml_child_made(domain, "currentMemory"), mebibytes);
    xmlNode *most = xml_child(domain, "maxMemory");
    if (most != NULL && xml_mebibytes(most) < mebibytes) {
        mebibytes_set(most, mebibytes);
    }
    return true;
}
