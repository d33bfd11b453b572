/* verb_table: what verbs there are, and which flags each takes. What runs them is in verbs.c. */
#ifndef TUI_CLI_VERB_TABLE_H
#define TUI_CLI_VERB_TABLE_H

#include "cli/command.h"

enum flag_bit {
    FLAG_SOCKET = 1 << 0,
    FLAG_JSON = 1 << 1,
    FLAG_HELP = 1 << 2,
    FLAG_WAIT = 1 << 3,
    FLAG_XML = 1 << 4,
    FLAG_METRICS = 1 << 5,
    FLAG_NO_WAIT = 1 << 6,
    FLAG_YES = 1 << 7,
    FLAG_GRACE = 1 << 8,
    FLAG_CPUS = 1 << 9,
    FLAG_MEMORY = 1 << 10,
    FLAG_DISK = 1 << 11,
    FLAG_GROW = 1 << 12,
    FLAG_ISO = 1 << 13,
    FLAG_KERNEL = 1 << 14,
    FLAG_NETWORK = 1 << 15,
    FLAG_GRAPHICS = 1 << 16,
    FLAG_FIRMWARE = 1 << 17,
    FLAG_BOOT = 1 << 18,
    FLAG_HOST = 1 << 19,
    FLAG_OWNER = 1 << 20,
    FLAG_TAG = 1 << 21,
    FLAG_START = 1 << 22,
    FLAG_NAME = 1 << 23,
    FLAG_AUTOSTART = 1 << 24,
    FLAG_EJECT = 1 << 25,
    FLAG_TARGET = 1 << 26,
    FLAG_CANCEL = 1 << 27,
    FLAG_VM = 1 << 28,
    FLAG_USER = 1 << 29,
    FLAG_RO = 1 << 30,
    FLAG_PRINT = 1LL << 31,
    FLAG_VIEWER = 1LL << 32,
    FLAG_CLOSE = 1LL << 33,
    FLAG_IMAGE = 1LL << 34,
};
enum { EVERY_VERB = FLAG_SOCKET | FLAG_JSON | FLAG_HELP };

struct flag {
    enum flag_bit bit;
    const char *flag;
    const char *argument; /* NULL: takes none */
    const char *help;
};

struct verb {
    const char *name;
    const char *alias; /* what others call it, or NULL */
    const char *arguments;
    int least; /* arguments */
    int most;
    bool takes_query;
    bool speaks_json; /* whatever is asked */
    uint64_t flags;   /* beside EVERY_VERB */
    const char *help;
    const char *more;   /* lines behind its flags; NULL: none */
    const char *method; /* that it calls, where there is one */
};

extern const struct flag flags[]; /* each closed by an empty row */
extern const struct verb verbs[];

#endif
