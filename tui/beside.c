/* beside: each is watched by the descriptor of its end until it has one. Owned by the ui; the
 * TUI's one thread. */
#include "beside.h"

#include "memory.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>

static void forget_at(struct beside *beside, size_t at)
{
    program_forget(&beside->programs[at]);
    beside->count--;
    memmove(&beside->programs[at], &beside->programs[at + 1],
            (beside->count - at) * sizeof beside->programs[0]);
    memmove(&beside->what[at], &beside->what[at + 1],
            (beside->count - at) * sizeof beside->what[0]);
}

void beside_add(struct beside *beside, const char *what, const struct program *program)
{
    if (beside->count == BESIDE_MAX) {
        forget_at(beside, 0);
    }
    beside->what[beside->count] = what;
    beside->programs[beside->count++] = *program;
}

size_t beside_waits(const struct beside *beside, struct pollfd *waits)
{
    for (size_t i = 0; i < beside->count; i++) {
        waits[i] = (struct pollfd){.fd = beside->programs[i].end, .events = POLLIN};
    }
    return beside->count;
}

char *beside_failure(struct beside *beside)
{
    char *failure = NULL;
    for (size_t i = 0; i < beside->count;) {
        struct program *program = &beside->programs[i];
        if (!program_has_ended(program, 0)) {
            i++;
            continue;
        }
        if (!program->went_well) {
            free(failure);
            AUTO(free) char *last = program_last_line(program);
            failure = xasprintf("%s failed%s%s", beside->what[i],
                                last[0] == '\0' ? ", and said nothing" : ": ", last);
        }
        forget_at(beside, i);
    }
    return failure;
}

void beside_done(struct beside *beside)
{
    while (beside->count > 0) {
        forget_at(beside, 0);
    }
}
