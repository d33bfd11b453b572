/* schema_xml: does XML follow libvirt's own schema? */
#ifndef TESTS_SUPPORT_SCHEMA_XML_H
#define TESTS_SUPPORT_SCHEMA_XML_H

#include "support/test.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_FOLDER "/usr/share/libvirt/schemas/"

static char schema_complaint[512];

/* The first complaint is the one that helps. */
__attribute__((format(printf, 2, 3))) static void schema_heard(void *unused, const char *format,
                                                               ...)
{
    (void)unused;
    if (schema_complaint[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(schema_complaint, sizeof schema_complaint, format, arguments);
        va_end(arguments);
    }
}

/* "domain.rng"; NULL where libvirt's schemas are not installed. */
static xmlRelaxNGPtr schema_open(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, SCHEMA_FOLDER "%s", name);
    if (access(path, R_OK) != 0) {
        return NULL;
    }
    xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(path);
    xmlRelaxNGPtr schema = xmlRelaxNGParse(parser);
    xmlRelaxNGFreeParserCtxt(parser);
    assert_non_null(schema);
    return schema;
}

static void expect_valid(xmlRelaxNGPtr schema, const char *xml)
{
    if (xml == NULL) {
        fail_msg("no XML");
        return;
    }
    xmlDocPtr doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);
    if (doc == NULL) {
        fail_msg("not even XML: %s", xml);
    }
    schema_complaint[0] = '\0';
    xmlRelaxNGValidCtxtPtr judge = xmlRelaxNGNewValidCtxt(schema);
    xmlRelaxNGSetValidErrors(judge, schema_heard, schema_heard, NULL);
    int verdict = xmlRelaxNGValidateDoc(judge, doc);
    xmlRelaxNGFreeValidCtxt(judge);
    xmlFreeDoc(doc);
    if (verdict != 0) {
        fail_msg("%s\n%s", schema_complaint, xml);
    }
}

#endif
