/*
 * libvirt_xml: what all XML of libvirt has in common, read and written by libxml2.
 *
 * The text is libvirt's, but what is in it was written by whoever defined the thing: no network, no
 * entities, no document types, bounded size and depth. Only *_xml*.[ch] of this folder include it.
 * Any thread.
 */
#ifndef HOST_LIBVIRT_XML_H
#define HOST_LIBVIRT_XML_H

#include "lodge/error.h"
#include "scope.h"

#include <libxml/tree.h>
#include <libxml/xmlwriter.h>

enum { LIBVIRT_XML_MAX = 4 * 1024 * 1024 };

DEFINE_AUTO(xmlDocPtr, xmlFreeDoc, NULL);

/* The document, its root being called `root`; the caller frees. INTERNAL, naming `what`, for text
 * that is none. */
xmlDocPtr xml_parse(const char *xml, const char *root, const char *what, struct lodge_error *err);

/* Text as libxml has it. */
static inline const xmlChar *xml_bytes(const char *text)
{
    return (const xmlChar *)text;
}

bool xml_is_called(const xmlNode *node, const char *name);

/* The first child of that name, or NULL; also of no parent. */
xmlNode *xml_child(const xmlNode *parent, const char *name);

/* The caller frees; NULL where there is none, or it is empty. */
char *xml_text(const xmlNode *node);
char *xml_attribute(const xmlNode *node, const char *name);

/* LODGE_UNKNOWN for what is no number from 0 on. */
int64_t xml_number(const char *text);

/* A size with its `unit`, rounded; LODGE_UNKNOWN for what is none. */
int64_t xml_mebibytes(const xmlNode *node);

/* KiB of a number with its unit, rounded up as libvirt does; LODGE_UNKNOWN for what is none. */
int64_t xml_kibibytes(const char *number, const char *unit);

/* The document, or one element of it, as text; the caller frees. */
char *xml_print(xmlDocPtr doc);
char *xml_print_node(xmlDocPtr doc, xmlNode *node);

/* --- changing --- */

/* Unlinks and frees it; nothing for NULL. */
void xml_remove(xmlNode *node);

/* The child of that name, made at the end if it is not there. */
xmlNode *xml_child_made(xmlNode *parent, const char *name);

void xml_set(xmlNode *node, const char *attribute, const char *value);
void xml_set_number(xmlNode *node, const char *attribute, int64_t number);

/* The number in place of all that is in it. */
void xml_set_content(xmlNode *node, int64_t number);

/* --- writing --- */

/* Is it UTF-8 without control bytes? libxml2 writes what it is given, and reads only that. */
bool xml_can_say(const char *text);

/* Text that XML cannot say (control bytes, broken UTF-8) sticks as a failure, told at the end. */
struct xml_writer {
    xmlBufferPtr buffer;
    xmlTextWriterPtr writer;
    bool failed;
};

void xml_writer_start(struct xml_writer *writer);

/* An element with its attributes (name, value, …, NULL), left open; one whose value is NULL is left
 * out. */
void xml_open(struct xml_writer *writer, const char *name, ...) __attribute__((sentinel));
void xml_close(struct xml_writer *writer);
void xml_write(struct xml_writer *writer, const char *text);

/* <name>text</name>; nothing for NULL. */
void xml_element(struct xml_writer *writer, const char *name, const char *text);

/* An element of attributes alone. */
#define xml_empty(writer, ...)               \
    do {                                     \
        xml_open(writer, __VA_ARGS__, NULL); \
        xml_close(writer);                   \
    } while (0)

/* Ends the document and the writer. The text, which the caller frees; NULL with INTERNAL. */
char *xml_writer_end(struct xml_writer *writer, const char *what, struct lodge_error *err);

#endif
