/* web_page: the files of our page, which are part of the program. Any thread. */
#ifndef CONSOLE_WEB_PAGE_H
#define CONSOLE_WEB_PAGE_H

#include <stddef.h>

struct web_file {
    const char *path; /* "/page.js" */
    const char *mime;
    const unsigned char *bytes;
    size_t length;
};

/* NULL if we have no such file. "/" is the page. */
const struct web_file *web_page_find(const char *path);

/* web_page_files.c, made of web/ when the program is built. */
extern const struct web_file web_page_files[];
extern const size_t web_page_file_count;

#endif
