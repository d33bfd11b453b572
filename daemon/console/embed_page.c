/* embed_page FILE…: writes web_page_files.c, which has the files in it. Runs when lodged is built.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *mime_of(const char *name)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i][0], dot) == 0) {
            return types[i][1];
        }
    }
    return NULL;
}

static const char *base_name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int write_bytes(const char *path, int number)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "embed_page: %s: %s\n", path, strerror(errno));
        return 1;
    }
    printf("static const unsigned char file_%d[] = {", number);
    int byte;
    for (int count = 0; (byte = getc(file)) != EOF; count++) {
        printf("%s%d,", count % 24 == 0 ? "\n    " : "", byte);
    }
    printf("\n};\n");
    return fclose(file) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    printf("#include \"console/web_page.h\"\n");
    for (int i = 1; i < argc; i++) {
        if (mime_of(argv[i]) == NULL || write_bytes(argv[i], i) != 0) {
            return 1;
        }
    }
    printf("const struct web_file web_page_files[] = {\n");
    for (int i = 1; i < argc; i++) {
        printf("    {\"/%s\", \"%s\", file_%d, sizeof file_%d},\n", base_name_of(argv[i]),
               mime_of(argv[i]), i, i);
    }
    printf("};\nconst size_t web_page_file_count = %d;\n", argc - 1);
    return fflush(stdout) == 0 ? 0 : 1;
}
