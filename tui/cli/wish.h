/*
 * wish: what `lodge create` and `lodge set` are told in flags, as parameters; with what should be
 * said of them beside the result: what nobody has said, and what became of a size. One thread.
 */
#ifndef TUI_CLI_WISH_H
#define TUI_CLI_WISH_H

#include "cli/command.h"

#include <json-c/json.h>

struct wish {
    struct json_object *params;
    struct lodge_strings notes;
};

/* One of nothing; wish_done() frees what it has (params that were given away are NULL by then). */
void wish_init(struct wish *wish);
void wish_done(struct wish *wish);

void wish_note(struct wish *wish, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each adds what its flag says, if that was given. */
void wish_text(const struct command *command, struct wish *wish, const char *flag,
               const char *name);
void wish_words(const struct command *command, struct wish *wish, const char *flag,
                const char *name);
bool wish_amounts(const struct command *command, struct wish *wish, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* `create --disk`: a size, and words behind commas, "10G,image=debian"; a size may be left out
 * before image=. A comma of a name may stand for itself unless a word follows it, and always as
 * two. */
bool wish_disks(const struct command *command, struct wish *wish, struct lodge_error *err)
    LODGE_MUST_CHECK;

/* `set --disk`: "vda=40G". */
bool wish_growth(const struct command *command, struct wish *wish, struct lodge_error *err)
    LODGE_MUST_CHECK;

#endif
