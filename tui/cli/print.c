/*
 * print: what the verbs write. In a text for people, what is not plain is made visible; in JSON it
 * is escaped: a terminal that shows either does nothing else.
 */
#include "cli/print.h"

#include "buffer.h"
#include "memory.h"
#include "plain.h"
#include "scope.h"
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t print_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

/* The format's own newlines are at its ends. */
void print_text(FILE *out, const char *format, ...)
{
    char *said = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&said, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort(); /* out of memory */
    }
    AUTO(free) char *text = said;
    size_t format_length = strlen(format);
    bool is_line = format_length > 0 && format[format_length - 1] == '\n';
    if (is_line) {
        text[length - 1] = '\0';
    }
    AUTO(free) char *visible = text_visible(text);
    if (visible == NULL) {
        abort();
    }
    fputs(visible, out);
    if (is_line) {
        fputc('\n', out);
    }
}

/* How many bytes of `text` go on one line of so many cells: all, else to before its last blank
 * there, else, of a word that is wider, what fits. */
static size_t line_length(const char *text, size_t cells)
{
    size_t whole = text_head(text, cells);
    size_t blank = whole;
    if (text[whole] == '\0' || whole == 0) {
        return strlen(text);
    }
    while (blank > 0 && text[blank] != ' ') {
        blank--;
    }
    return blank > 0 ? blank : whole;
}

void print_line(FILE *out, const char *head, const char *text)
{
    AUTO(free) char *visible = text_visible(text);
    if (visible == NULL) {
        abort();
    }
    AUTO(free) char *line = xasprintf("%s%s", head, visible);
    size_t width = print_width();
    size_t indent = width > 2 * strlen(head) ? strlen(head) : 0;
    size_t length = line_length(line, width == 0 ? SIZE_MAX : width);
    fprintf(out, "%.*s\n", (int)length, line);
    for (const char *rest = line + length; *rest != '\0'; rest += length) {
        rest += strspn(rest, " ");
        length = line_length(rest, width - indent);
        fprintf(out, "%*s%.*s\n", (int)indent, "", (int)length, rest);
    }
}

static void print_escaped(FILE *out, const char *text,
                          void (*add)(struct buffer *buffer, const char *text))
{
    AUTO(buffer_free) struct buffer buffer = {0};
    add(&buffer, text);
    if (buffer.failed) {
        abort();
    }
    fwrite(buffer.data, 1, buffer.length, out);
}

void print_json(FILE *out, const char *json)
{
    print_escaped(out, json, buffer_add_safe_json);
    fputc('\n', out);
}

void print_xml(FILE *out, const char *xml)
{
    print_escaped(out, xml, buffer_add_safe_xml);
}
