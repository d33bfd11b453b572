/*
 * libvirt_xml: libxml2 as lodge uses it: a parser that refuses document types, look-ups that return
 * copies, and a writer that remembers when it was given what XML cannot say.
 *
 * What is returned is the caller's. Where libxml2 is out of memory the program ends, as in
 * memory.h.
 */
#include "host/xml/libvirt_xml.h"
#include "lodge/vm.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <libxml/chvalid.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(xmlParserCtxtPtr, xmlFreeParserCtxt, NULL);
DEFINE_AUTO(xmlBufferPtr, xmlBufferFree, NULL);

/* --- reading ---------------------------------------------------------------------------------- */

/* libvirt writes no document type, so whoever has one wants entities. */
static void refuse_document_type(void *data, const xmlChar *name, const xmlChar *external,
                                 const xmlChar *system_id)
{
    (void)name;
    (void)external;
    (void)system_id;
    xmlParserCtxtPtr parser = data;
    parser->wellFormed = 0;
    xmlStopParser(parser);
}

xmlDocPtr xml_parse(const char *xml, const char *root, const char *what, struct lodge_error *err)
{
    size_t length = strnlen(xml, LIBVIRT_XML_MAX + 1);
    if (length > LIBVIRT_XML_MAX) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "%s of more than %d MiB", what,
                   LIBVIRT_XML_MAX / 1024 / 1024);
        return NULL;
    }
    AUTO(xmlFreeParserCtxt) xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (parser == NULL) {
        abort(); /* out of memory, as xmalloc */
    }
    parser->sax->internalSubset = refuse_document_type;
    parser->sax->externalSubset = refuse_document_type;
    AUTO(xmlFreeDoc)
    xmlDocPtr doc = xmlCtxtReadMemory(parser, xml, (int)length, NULL, NULL,
                                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                          XML_PARSE_NOBLANKS | XML_PARSE_COMPACT);
    const xmlNode *top = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    if (top == NULL || !xml_is_called(top, root)) {
        lodge_fail(err, LODGE_ERROR_INTERNAL, "this is no %s", what);
        return NULL;
    }
    return TAKE(doc);
}

bool xml_is_called(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

xmlNode *xml_child(const xmlNode *parent, const char *name)
{
    xmlNode *node = parent == NULL ? NULL : parent->children;
    while (node != NULL && !xml_is_called(node, name)) {
        node = node->next;
    }
    return node;
}

/* Owned by the caller, or NULL; empty is NULL too. */
static char *heap_text(xmlChar *text)
{
    char *copy = text == NULL || *text == '\0' ? NULL : xstrdup((const char *)text);
    xmlFree(text);
    return copy;
}

char *xml_text(const xmlNode *node)
{
    return node == NULL ? NULL : heap_text(xmlNodeGetContent(node));
}

char *xml_attribute(const xmlNode *node, const char *name)
{
    return node == NULL ? NULL : heap_text(xmlGetNoNsProp(node, xml_bytes(name)));
}

int64_t xml_number(const char *text)
{
    if (text == NULL) {
        return LODGE_UNKNOWN;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    end += strspn(end, " \t\r\n");
    return errno != 0 || end == text || *end != '\0' || number < 0 ? LODGE_UNKNOWN : number;
}

/* libvirt's units: "KiB" and "k" are 1024, "KB" is 1000, and so on; without one it is KiB. */
static double unit_bytes(const char *unit)
{
    static const char letters[] = "kmgtpe";
    if (unit == NULL) {
        return 1024;
    }
    if (strcmp(unit, "b") == 0 || strcmp(unit, "bytes") == 0) {
        return 1;
    }
    char first = (char)(unit[0] | 0x20);
    const char *place = strchr(letters, first);
    if (first == '\0' || place == NULL) {
        return 0;
    }
    bool is_decimal = strcmp(unit + 1, "B") == 0 || strcmp(unit + 1, "b") == 0;
    double bytes = 1;
    for (const char *letter = letters; letter <= place; letter++) {
        bytes *= is_decimal ? 1000 : 1024;
    }
    return bytes;
}

int64_t xml_mebibytes(const xmlNode *node)
{
    AUTO(free) char *text = xml_text(node);
    AUTO(free) char *unit = xml_attribute(node, "unit");
    int64_t number = xml_number(text);
    double bytes = (double)number * unit_bytes(unit);
    if (number < 0 || bytes <= 0 || bytes > 9e18) {
        return LODGE_UNKNOWN;
    }
    return (int64_t)(bytes / (1024.0 * 1024.0) + 0.5);
}

/* Each unit is exact as a double, and as an integer up to EiB. */
int64_t xml_kibibytes(const char *number, const char *unit)
{
    int64_t count = xml_number(number);
    int64_t bytes = (int64_t)unit_bytes(unit);
    if (count < 0 || bytes <= 0 || count > (INT64_MAX - 1023) / bytes) {
        return LODGE_UNKNOWN;
    }
    return (count * bytes + 1023) / 1024;
}

char *xml_print(xmlDocPtr doc)
{
    xmlChar *text = NULL;
    int length = 0;
    xmlDocDumpFormatMemoryEnc(doc, &text, &length, "UTF-8", 1);
    if (text == NULL) {
        abort();
    }
    return heap_text(text);
}

char *xml_print_node(xmlDocPtr doc, xmlNode *node)
{
    AUTO(xmlBufferFree) xmlBufferPtr buffer = xmlBufferCreate();
    if (buffer == NULL || xmlNodeDump(buffer, doc, node, 0, 1) < 0) {
        abort();
    }
    return xstrdup((const char *)xmlBufferContent(buffer));
}

/* --- changing --------------------------------------------------------------------------------- */

void xml_remove(xmlNode *node)
{
    if (node != NULL) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
}

xmlNode *xml_child_made(xmlNode *parent, const char *name)
{
    xmlNode *node = xml_child(parent, name);
    node = node != NULL ? node : xmlNewChild(parent, NULL, xml_bytes(name), NULL);
    if (node == NULL) {
        abort();
    }
    return node;
}

void xml_set(xmlNode *node, const char *attribute, const char *value)
{
    if (xmlSetProp(node, xml_bytes(attribute), xml_bytes(value)) == NULL) {
        abort();
    }
}

void xml_set_number(xmlNode *node, const char *attribute, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    xml_set(node, attribute, text);
}

/* xmlNodeSetContent() would take entities in it for entities; digits have none. */
void xml_set_content(xmlNode *node, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    xmlNodeSetContent(node, xml_bytes(text));
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Writing into memory fails only when there is none left, where a program of ours ends. */
static void writer_must(int written)
{
    if (written < 0) {
        abort();
    }
}

/* libxml2 writes what it is given, and reads only what XML allows. */
bool xml_can_say(const char *text)
{
    if (!xmlCheckUTF8(xml_bytes(text))) {
        return false;
    }
    for (const char *at = text; *at != '\0';) {
        int length = (int)strnlen(at, 4);
        int character = xmlGetUTF8Char(xml_bytes(at), &length);
        if (character < 0 || !IS_CHAR((unsigned)character)) {
            return false;
        }
        at += length;
    }
    return true;
}

void xml_writer_start(struct xml_writer *writer)
{
    *writer = (struct xml_writer){.buffer = xmlBufferCreate()};
    writer->writer = writer->buffer == NULL ? NULL : xmlNewTextWriterMemory(writer->buffer, 0);
    if (writer->writer == NULL) {
        abort();
    }
    writer_must(xmlTextWriterStartDocument(writer->writer, NULL, "UTF-8", NULL));
}

void xml_open(struct xml_writer *writer, const char *name, ...)
{
    writer_must(xmlTextWriterStartElement(writer->writer, xml_bytes(name)));
    va_list attributes;
    va_start(attributes, name);
    const char *attribute;
    while ((attribute = va_arg(attributes, const char *)) != NULL) {
        const char *value = va_arg(attributes, const char *);
        if (value != NULL && xml_can_say(value)) {
            writer_must(xmlTextWriterWriteAttribute(writer->writer, xml_bytes(attribute),
                                                    xml_bytes(value)));
        } else if (value != NULL) {
            writer->failed = true;
        }
    }
    va_end(attributes);
}

void xml_close(struct xml_writer *writer)
{
    writer_must(xmlTextWriterEndElement(writer->writer));
}

void xml_write(struct xml_writer *writer, const char *text)
{
    if (xml_can_say(text)) {
        writer_must(xmlTextWriterWriteString(writer->writer, xml_bytes(text)));
    } else {
        writer->failed = true;
    }
}

void xml_element(struct xml_writer *writer, const char *name, const char *text)
{
    if (text != NULL) {
        xml_open(writer, name, NULL);
        xml_write(writer, text);
        xml_close(writer);
    }
}

char *xml_writer_end(struct xml_writer *writer, const char *what, struct lodge_error *err)
{
    writer_must(xmlTextWriterEndDocument(writer->writer));
    char *text = NULL;
    if (writer->failed) {
        lodge_fail(err, LODGE_ERROR_INTERNAL,
                   "%s would have a control character, or a text that is not UTF-8", what);
    } else {
        text = xstrdup((const char *)xmlBufferContent(writer->buffer));
    }
    xmlFreeTextWriter(writer->writer);
    xmlBufferFree(writer->buffer);
    *writer = (struct xml_writer){0};
    return text;
}
