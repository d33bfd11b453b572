/* config_manual: prints the keys of lodged.conf.5 from the rows that read the file, as scdoc. */
#include "config_keys.h"

#include <string.h>

/* scdoc takes _ for underlining and * for bold wherever they stand. */
static void print_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("_*\\[]|<>#`~", *text) != NULL) {
            putchar('\\');
        }
        putchar(*text);
    }
}

static void print_values(const struct config_key *key)
{
    unsigned steps = key->type == KEY_SECONDS ? 1000 : 1;
    switch (key->type) {
    case KEY_CHOICE:
        for (size_t i = 0; key->choices[i] != NULL; i++) {
            printf("%s_%s_", i == 0 ? "" : ", ", key->choices[i]);
        }
        break;
    case KEY_NUMBER:
    case KEY_SECONDS:
        printf("%g to %g", (double)key->min / steps, (double)key->max / steps);
        break;
    case KEY_PATH:
        printf("an absolute path");
        break;
    case KEY_ADDRESS:
        printf("an http:// or https:// address, or _none_");
        break;
    case KEY_URI:
        printf("a libvirt URI");
        break;
    case KEY_GROUP:
        printf("a group of this machine, or _none_");
        break;
    case KEY_LEVELS:
        printf("levels");
        break;
    case KEY_PATHS:
        printf("paths that begin with /, with spaces between");
        break;
    case KEY_FILE:
        printf("a path that begins with /, or _none_");
        break;
    case KEY_WORDS:
        printf("words with spaces between, or _none_");
        break;
    case KEY_LISTEN:
        printf("ADDR:PORT, or _off_");
        break;
    case KEY_WORD:
        printf("a name");
        break;
    case KEY_LIMIT:
        printf("a number, or none");
        break;
    case KEY_MODE:
        printf("octal permissions with 0600 in them");
        break;
    }
}

int main(void)
{
    const char *section = "";
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(section, key->section) != 0) {
            section = key->section;
            printf("## [%s%s]\n\n", section, strcmp(section, "host") == 0 ? " NAME" : "");
        }
        printf("*");
        print_plain(key->name);
        printf("* = ");
        print_values(key);
        printf("\n\t");
        print_plain(key->help);
        if (key->preset != NULL) {
            printf(" Default: ");
            print_plain(key->preset);
            printf(".");
        }
        printf("%s\n\n", key->reloadable ? " SIGHUP takes a change over." : "");
    }
    printf("# SEE ALSO\n\n*lodged*(8), *lodge*(1), *lodge-rpc*(7)\n");
    return 0;
}
