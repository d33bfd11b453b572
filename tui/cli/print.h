/*
 * print: what verbs say. All that a daemon, a guest or another user had a word in goes through here
 * or through a table: nothing of it moves a cursor, changes a colour or turns a line round.
 */
#ifndef TUI_CLI_PRINT_H
#define TUI_CLI_PRINT_H

#include <stddef.h>
#include <stdio.h>

/* Of the terminal that standard output is; 0: it is none, and nothing is cut. */
size_t print_width(void);

/* A text for people. Newlines are the format's own: those of its arguments are made visible. */
void print_text(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of `head`, which is ours, and a text for people: on a terminal it goes on below itself
 * where it is too wide. */
void print_line(FILE *out, const char *head, const char *text);

/* A line of JSON, or several, that stays what it says: "\u009b" is what it was. */
void print_json(FILE *out, const char *json);

/* The same for XML: "&#155;". */
void print_xml(FILE *out, const char *xml);

#endif
