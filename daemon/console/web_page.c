/* web_page: finds a file of the page, which the build has put into the program (embed_page.c). */
#include "console/web_page.h"

#include <string.h>

const struct web_file *web_page_find(const char *path)
{
    const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;
    for (size_t i = 0; i < web_page_file_count; i++) {
        if (strcmp(web_page_files[i].path, wanted) == 0) {
            return &web_page_files[i];
        }
    }
    return NULL;
}
