/* question: one sentence of what goes, of which guests, and what is lost; then what a yes is. */
#include "question.h"

#include "buffer.h"
#include "units.h"

#include <stdio.h>
#include <string.h>

enum { NAMED = 20, MIB_PER_GIB = 1024 };

bool question_is_of_disks(const struct ask *ask)
{
    return ask->method != NULL && strcmp(ask->method, "vm.delete") == 0;
}

/* ", with 2 disks of 30G", as far as it is known. */
static void add_lost_disks(struct buffer *text, const struct ask *ask)
{
    char figure[UNIT_TEXT];
    size_t disks = 0;
    size_t unknown = 0;
    size_t failed = 0;
    int64_t gib = 0;

    for (size_t i = 0; i < ask->target_count; i++) {
        const struct target *target = &ask->targets[i];
        unknown += target->known == DISKS_UNKNOWN;
        failed += target->known == DISKS_FAILED;
        disks += target->disks;
        gib += target->gib;
    }
    if (failed > 0) {
        buffer_add_text(text, ", with disks that lodge made and that could not be counted");
    } else if (unknown > 0) {
        buffer_add_text(text, ", with the disks that lodge made");
    } else if (disks == 0) {
        buffer_add_text(text, ", with no disk that lodge made");
    } else {
        buffer_add_format(text, ", with %zu disk%s of %s", disks, disks == 1 ? "" : "s",
                          size_text(figure, gib * MIB_PER_GIB));
    }
}

static void add_target(struct buffer *text, const struct target *target, const char *hides)
{
    buffer_add_format(text, "%s (%s%s%s)", target->shown, lodge_vm_state_name(target->state),
                      target->hidden ? ", " : "", target->hidden ? hides : "");
}

/* ": web (running), db (shutoff, hidden)": those that are hidden first, since nobody sees them. */
static void add_targets(struct buffer *text, const struct ask *ask)
{
    size_t named = 0;

    for (int hidden = 1; hidden >= 0; hidden--) {
        for (size_t i = 0; i < ask->target_count && named < NAMED; i++) {
            if (ask->targets[i].hidden == (hidden == 1)) {
                buffer_add_text(text, named++ == 0 ? ": " : ", ");
                add_target(text, &ask->targets[i], "hidden");
            }
        }
    }
    if (named < ask->target_count) {
        buffer_add_format(text, " and %zu more", ask->target_count - named);
    }
}

static void add_sentence(struct buffer *text, const struct ask *ask)
{
    size_t hidden = 0;
    bool one = ask->target_count == 1;

    for (size_t i = 0; i < ask->target_count; i++) {
        hidden += ask->targets[i].hidden;
    }
    buffer_add_format(text, "%s ", ask->asks);
    if (one) {
        add_target(text, &ask->targets[0], ask->hides);
    } else {
        buffer_add_format(text, "%zu VMs", ask->target_count);
    }
    if (question_is_of_disks(ask)) {
        buffer_add_text(text, " for good");
        add_lost_disks(text, ask);
    }
    if (!one && hidden > 0) {
        buffer_add_format(text, ", %zu of them %s", hidden, ask->hides);
    }
    if (!one) {
        add_targets(text, ask);
    }
    buffer_add_char(text, '?');
    if (ask->warns != NULL) {
        buffer_add_format(text, " %s", ask->warns);
    }
}

void question_write(struct ask *ask, struct prompt *prompt)
{
    AUTO(buffer_free) struct buffer text = {0};

    if (ask->target_count > 0) {
        add_sentence(&text, ask);
    } else {
        buffer_add_text(&text, ask->asks);
    }
    snprintf(prompt->label, sizeof prompt->label, "%s", buffer_text(&text));
    if (ask->weight != ASK_FINAL) {
        snprintf(prompt->answers, sizeof prompt->answers, "%s",
                 ask->weight == ASK_HEAVY ? "Y (capital) / N" : "y/N");
    } else if (ask->target_count == 1) {
        snprintf(ask->word, sizeof ask->word, "%s", ask->targets[0].name);
        snprintf(prompt->answers, sizeof prompt->answers, "Type its name:");
    } else {
        snprintf(ask->word, sizeof ask->word, "%s %zu", ask->verb, ask->target_count);
        snprintf(prompt->answers, sizeof prompt->answers, "Type \"%s\":", ask->word);
    }
}
