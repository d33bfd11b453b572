/*
 * domain_xml_vcpus: <vcpu> and what names vCPUs or counts them: <vcpus>, the topology, a NUMA
 * cell's `cpus`, and in <cputune> what is said of single ones.
 *
 *                            4 of 4 -> 8 of 8      4 of 4 -> 2 of 2       2 of 4 -> 3 of 4
 *     <vcpus>                goes                  goes                   goes
 *     topology 1x2x2         1x4x2                 1x1x2                  stays
 *     the one cell's 0-3     0-7                   0-1                    stays
 *     several cells          refused               refused                stay
 *     vcpupin of vCPU 3      stays                 goes                   stays
 *     vcpusched of 0-3       stays                 of 0-1                 stays
 *
 * libvirt ignores a vcpupin of a vCPU that is gone, and refuses the rest. What goes and said more
 * than the number does is told. Loops run once over what is there, whoever wrote how much of it;
 * the tree is the caller's.
 */
#include "host/xml/domain_xml_vcpus.h"
#include "buffer.h"
#include "host/xml/libvirt_xml.h"
#include "lodge/vm.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any machine of QEMU's; beyond it a set is left as it is. */
enum { MOST_VCPUS = 4096 };

static int64_t number_in(const xmlNode *node, const char *attribute)
{
    AUTO(free) char *text = xml_attribute(node, attribute);
    return xml_number(text);
}

static bool attribute_says(const xmlNode *node, const char *attribute, const char *word)
{
    AUTO(free) char *text = xml_attribute(node, attribute);
    return text != NULL && strcmp(text, word) == 0;
}

/* --- which are on ----------------------------------------------------------------------------- */

/* Other than the first `on`, in another order than their own, or others that can be unplugged than
 * libvirt takes by itself? */
static bool is_out_of_line(const xmlNode *vcpu, int64_t on)
{
    bool should_be_on = number_in(vcpu, "id") < on;
    return attribute_says(vcpu, "enabled", "yes") != should_be_on ||
           xmlHasProp(vcpu, (const xmlChar *)"order") != NULL ||
           attribute_says(vcpu, "hotpluggable", should_be_on ? "yes" : "no");
}

static void forget_states(xmlNode *domain, int64_t on, struct lodge_strings *dropped)
{
    xmlNode *vcpus = xml_child(domain, "vcpus");
    for (const xmlNode *node = vcpus == NULL ? NULL : vcpus->children; node != NULL;
         node = node->next) {
        if (xml_is_called(node, "vcpu") && is_out_of_line(node, on)) {
            xstrings_note(dropped, "the list of which vCPUs are on and can be unplugged");
            break;
        }
    }
    xml_remove(vcpus);
}

/* --- the topology ----------------------------------------------------------------------------- */

/* What it multiplies to without the cores, whichever levels libvirt knows by then; 0: too many. */
static int64_t beside_cores(const xmlNode *topology)
{
    int64_t product = 1;
    for (const xmlAttr *level = topology->properties; level != NULL; level = level->next) {
        AUTO(free) char *text = xml_text((const xmlNode *)level);
        int64_t count = xml_number(text);
        if (strcmp((const char *)level->name, "cores") != 0) {
            product = count > 0 && count <= MOST_VCPUS ? product * count : 0;
        }
        if (product > MOST_VCPUS) {
            return 0;
        }
    }
    return product;
}

static void tell_topology(const xmlNode *topology, struct lodge_strings *dropped)
{
    struct buffer text = {0};
    buffer_add_text(&text, "the topology of");
    static const char *const levels[] = {"sockets", "dies", "clusters", "cores", "threads"};
    for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
        int64_t count = number_in(topology, levels[i]);
        bool matters = strcmp(levels[i], "dies") != 0 && strcmp(levels[i], "clusters") != 0;
        if (count > 1 || (count == 1 && matters)) {
            buffer_add_format(&text, " %" PRId64 " %s", count, levels[i]);
        }
    }
    AUTO(free) char *words = buffer_take(&text);
    xstrings_note(dropped, words != NULL ? words : "the topology");
}

/* A guest counts sockets for licences and threads for its scheduler: cores are what may differ. */
static void edit_topology(xmlNode *domain, int64_t vcpus, struct lodge_strings *dropped)
{
    xmlNode *topology = xml_child(xml_child(domain, "cpu"), "topology");
    if (topology == NULL) {
        return;
    }
    int64_t beside = beside_cores(topology);
    if (beside > 0 && vcpus % beside == 0) {
        xml_set_number(topology, "cores", vcpus / beside);
        return;
    }
    tell_topology(topology, dropped);
    xml_remove(topology);
}

/* --- NUMA cells ------------------------------------------------------------------------------- */

static bool edit_cells_cpus(xmlNode *domain, int64_t vcpus, struct lodge_error *err)
{
    xmlNode *numa = xml_child(xml_child(domain, "cpu"), "numa");
    xmlNode *cell = NULL;
    for (xmlNode *node = numa == NULL ? NULL : numa->children; node != NULL; node = node->next) {
        if (xml_is_called(node, "cell") && cell != NULL) {
            return lodge_fail(err, LODGE_ERROR_UNSUPPORTED,
                              "its vCPUs are spread over NUMA cells, which lodge does not edit");
        }
        cell = xml_is_called(node, "cell") ? node : cell;
    }
    if (cell != NULL &&
        xmlHasProp(cell, (const xmlChar *)"cpus") != NULL) { /* else libvirt puts all into it */
        char text[32];
        (void)snprintf(text, sizeof text, vcpus > 1 ? "0-%" PRId64 : "%" PRId64, vcpus - 1);
        xml_set(cell, "cpus", text);
    }
    return true;
}

/* --- <cputune> -------------------------------------------------------------------------------- */

enum cut { CUT_NOTHING, CUT_SOME, CUT_ALL };

/* libvirt's sets: 0-3,^2,7. One piece of it into `in`, as far as that goes; false: it is none. */
static bool take_piece(const char **text, bool *in, int64_t most, bool *ret_beyond)
{
    bool is_out = **text == '^';
    *text += is_out;
    int64_t ends[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        if (**text < '0' || **text > '9') {
            return false;
        }
        for (; **text >= '0' && **text <= '9'; (*text)++) {
            ends[i] = ends[i] < INT32_MAX ? ends[i] * 10 + (**text - '0') : ends[i];
        }
        if (i == 0 && (is_out || **text != '-')) {
            ends[1] = ends[0];
            break;
        }
        *text += i == 0;
    }
    *ret_beyond = *ret_beyond || (!is_out && ends[1] >= most);
    int64_t end = ends[1] < most ? ends[1] + 1 : most;
    if (ends[0] < end) {
        memset(in + ends[0], !is_out, (size_t)(end - ends[0]));
    }
    *text += **text == ',';
    return true;
}

static char *set_of(const bool *in, int64_t most)
{
    struct buffer text = {0};
    for (int64_t first = 0; first < most; first++) {
        int64_t last = first;
        while (in[first] && last + 1 < most && in[last + 1]) {
            last++;
        }
        if (in[first]) {
            buffer_add_format(&text, last > first ? "%s%" PRId64 "-%" PRId64 : "%s%" PRId64,
                              text.length > 0 ? "," : "", first, last);
        }
        first = last;
    }
    return text.length > 0 ? buffer_take(&text) : NULL;
}

/* The element's set of vCPUs without those from `most` on; one that cannot be read is libvirt's to
 * judge. */
static enum cut cut_set(xmlNode *node, int64_t most)
{
    bool in[MOST_VCPUS] = {false};
    bool is_beyond = false;
    AUTO(free) char *text = xml_attribute(node, "vcpus");
    if (text == NULL || most > MOST_VCPUS) {
        return CUT_NOTHING;
    }
    for (const char *at = text; *at != '\0';) {
        if (!take_piece(&at, in, most, &is_beyond)) {
            return CUT_NOTHING;
        }
    }
    if (!is_beyond) {
        return CUT_NOTHING;
    }
    AUTO(free) char *left = set_of(in, most);
    if (left == NULL) {
        xml_remove(node);
        return CUT_ALL;
    }
    xml_set(node, "vcpus", left);
    return CUT_SOME;
}

/* <monitor>, of which each watches some of its parent's vCPUs. */
static void cut_monitors(xmlNode *tune, int64_t most)
{
    xmlNode *next = NULL;
    for (xmlNode *node = tune->children; node != NULL; node = next) {
        next = node->next;
        if (xml_is_called(node, "monitor")) {
            (void)cut_set(node, most);
        }
    }
}

static bool cut_tuning(xmlNode *node, int64_t most)
{
    if (xml_is_called(node, "vcpupin")) {
        bool is_gone = number_in(node, "vcpu") >= most;
        xml_remove(is_gone ? node : NULL);
        return is_gone;
    }
    enum cut cut = cut_set(node, most);
    if (cut == CUT_SOME) {
        cut_monitors(node, most);
    }
    return cut != CUT_NOTHING;
}

static const char *tuning_of(const xmlNode *node)
{
    static const char *const kinds[] = {"vcpupin", "vcpusched", "cachetune", "memorytune"};
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (xml_is_called(node, kinds[i])) {
            return kinds[i];
        }
    }
    return NULL;
}

static void edit_tuning(xmlNode *domain, int64_t most, struct lodge_strings *dropped)
{
    xmlNode *tune = xml_child(domain, "cputune");
    xmlNode *next = NULL;
    for (xmlNode *node = tune == NULL ? NULL : tune->children; node != NULL; node = next) {
        next = node->next;
        const char *kind = tuning_of(node);
        if (kind != NULL && cut_tuning(node, most)) {
            char text[80];
            (void)snprintf(text, sizeof text, "%s of the vCPUs from %" PRId64 " on", kind, most);
            xstrings_note(dropped, text);
        }
    }
}

/* --- the number ------------------------------------------------------------------------------- */

/* Somebody who left room for more (`current`) keeps it as far as it reaches. */
bool domain_vcpus_edit(xmlNode *domain, int64_t vcpus, struct lodge_strings *dropped,
                       struct lodge_error *err)
{
    xmlNode *vcpu = xml_child_made(domain, "vcpu");
    AUTO(free) char *most_text = xml_text(vcpu);
    int64_t most = xml_number(most_text);
    int64_t current = number_in(vcpu, "current");
    int64_t now = current != LODGE_UNKNOWN ? current : most;
    if (vcpus == now) {
        return true;
    }
    if (current != LODGE_UNKNOWN && vcpus <= most) {
        xml_set_number(vcpu, "current", vcpus);
        forget_states(domain, now, dropped);
        return true;
    }
    if (!edit_cells_cpus(domain, vcpus, err)) {
        return false;
    }
    (void)xmlUnsetProp(vcpu, (const xmlChar *)"current");
    xml_set_content(vcpu, vcpus);
    forget_states(domain, now, dropped);
    edit_topology(domain, vcpus, dropped);
    edit_tuning(domain, vcpus, dropped);
    return true;
}
