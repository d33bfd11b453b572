/* usage: texts made from tables, and the few lines that are in none. No state. */
#include "cli/usage.h"

#include "scope.h"

#include <string.h>

static void print_verbs(FILE *out)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        int used = fprintf(out, "  %s %s", verb->name, verb->arguments);
        fprintf(out, "%*s%s\n", used < 32 ? 32 - used : 1, "", verb->help);
    }
}

void usage_print(FILE *out)
{
    fputs("Usage: lodge [OPTION...]               the console\n"
          "       lodge [OPTION...] VERB ...      one answer\n"
          "\n"
          "  --socket PATH  the daemon's socket (else $LODGE_SOCKET, else where it usually is)\n"
          "  -j, --json     answers as JSON\n"
          "  --demo N       the console on a simulated fleet of N guests, without a daemon\n"
          "  -h, --help     this\n"
          "  --version      which version this is\n"
          "\n"
          "Verbs (`lodge help VERB` says more):\n",
          out);
    print_verbs(out);
}

void usage_print_verb(FILE *out, const struct verb *verb)
{
    fprintf(out, "Usage: lodge %s [OPTION...]%s%s\n\n%c%s.\n\n", verb->name,
            verb->arguments[0] == '\0' ? "" : " ", verb->arguments, verb->help[0] - 'a' + 'A',
            verb->help + 1);
    for (const struct flag *flag = flags; flag->flag != NULL; flag++) {
        if ((verb->flags | EVERY_VERB) & flag->bit) {
            int used = fprintf(out, "  %s %s", flag->flag, flag->argument ? flag->argument : "");
            fprintf(out, "%*s%s\n", used < 21 ? 21 - used : 1, "", flag->help);
        }
    }
    if (verb->more != NULL) {
        fprintf(out, "\n%s", verb->more);
    }
    if (verb->takes_query) {
        fputs(
            "\nQUERY is words that names contain, and terms such as state:running host:h1 tag:ci\n"
            "name:web* pending:* cpu>50 !tag:old; all of them must match. lodge(1) has the whole\n"
            "language.\n",
            out);
    }
}

const char *usage_argument(const struct flag *flag)
{
    static const struct {
        const char *argument;
        const char *words;
    } rows[] = {
        {"N", "a number"},
        {"TIME", "a time such as 90s or 2m"},
        {"SIZE", "a size such as 512M or 4G"},
        {"DISK=SIZE", "a disk and its size, such as vda=40G"},
        {"NAME", "a name"},
        {"KIND", "a kind"},
        {"LIST", "a list such as disk,cdrom"},
        {"USER", "a user"},
        {"WORD", "a word"},
        {"on|off", "on or off"},
        {"DRIVE", "a drive such as sda"},
        {"VM", "a VM"},
        {"PATH", "a path"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].argument, flag->argument) == 0) {
            return rows[i].words;
        }
    }
    return flag->argument;
}
