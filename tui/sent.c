/*
 * sent: a list, newest first, of copies of what was asked. Answers are told apart by the ask's
 * number and the guest's place in it, never by their words. Of one guest its answer is said; of
 * many how far it is, and at the end the sum. What went wrong is among the events as well, since a
 * message goes after a while.
 */
#include "sent.h"

#include "buffer.h"
#include "create.h"
#include "memory.h"
#include "scope.h"
#include "ui.h"

#include <stdio.h>
#include <string.h>

struct sent {
    struct list_link link; /* in ui.sent */
    unsigned number;
    char *what;
    struct target *targets;
    size_t count;
    size_t done;
    size_t failed;
    struct buffer names;  /* of those that are done */
    struct buffer wrongs; /* "db: it is shut off" */
};

void sent_begin(struct ui *ui, const struct ask *ask)
{
    struct sent *sent = xcalloc(1, sizeof *sent);

    sent->number = ask->number;
    sent->what = xstrdup(ask->what);
    sent->count = ask->target_count;
    sent->targets = xcalloc(ask->target_count + 1, sizeof *sent->targets);
    for (size_t i = 0; i < ask->target_count; i++) {
        sent->targets[i] = ask->targets[i];
        sent->targets[i].vm = xstrdup(ask->targets[i].vm);
        sent->targets[i].name = xstrdup(ask->targets[i].name);
        sent->targets[i].shown = xstrdup(ask->targets[i].shown);
    }
    list_prepend(&ui->sent, &sent->link);
}

static void sent_free(struct sent *sent)
{
    for (size_t i = 0; i < sent->count; i++) {
        target_done(&sent->targets[i]);
    }
    free(sent->targets);
    free(sent->what);
    buffer_free(&sent->names);
    buffer_free(&sent->wrongs);
    free(sent);
}

void sent_forget(struct ui *ui)
{
    for (struct sent *sent; (sent = LIST_TAKE_FIRST(&ui->sent, struct sent, link)) != NULL;) {
        sent_free(sent);
    }
}

static struct sent *find_sent(struct ui *ui, unsigned number)
{
    LIST_EACH (struct sent, sent, &ui->sent, link) {
        if (sent->number == number) {
            return sent;
        }
    }
    return NULL;
}

/* " (it is called db2 now)": the name it was asked by is another's, or nobody's. */
static char *new_name(const struct ui *ui, const struct target *target)
{
    const struct model_row *row = model_find_vm(&ui->model, target->vm);

    return row == NULL || row->gone_ms != 0 || strcmp(row->vm.name, target->name) == 0
               ? xstrdup("")
               : xasprintf(" (it is called %s now)", row->vm.name);
}

/* What an answer says beyond who was asked for what. */
static const char *behind(const struct target *target, const char *text)
{
    size_t length = strlen(target->verb) + 1 + strlen(target->shown);

    return strlen(text) > length + 2 && text[length] == ':' ? text + length + 2 : text;
}

/* One of many. */
static void count_answer(struct ui *ui, struct sent *sent, const struct target *target, bool bad,
                         const char *text)
{
    AUTO(free) char *called = new_name(ui, target);
    const char *rest = behind(target, text);
    const char *remark = bad ? rest : strstr(rest, "; "); /* "done in 0.1 s; kept /p/a: …" */

    sent->done += !bad;
    sent->failed += bad;
    if (!bad) {
        buffer_add_format(&sent->names, "%s%s%s", sent->names.length == 0 ? "" : ", ",
                          target->shown, called);
    }
    if (remark != NULL) {
        buffer_add_format(&sent->wrongs, "%s%s%s: %s", sent->wrongs.length == 0 ? "" : "; ",
                          target->shown, bad ? called : "", bad ? remark : remark + 2);
        model_note(&ui->model, bad, "%s  %s: %s", target->shown, target->verb,
                   bad ? remark : remark + 2);
    }
}

/* What failed comes first: of many the end may find no room. */
static void say_sum(struct ui *ui, struct sent *sent)
{
    size_t left = sent->count - sent->done - sent->failed;
    AUTO(buffer_free) struct buffer text = {0};

    buffer_add_format(&text, "%s: ", sent->what);
    if (sent->failed > 0) {
        buffer_add_format(&text, "%zu failed, ", sent->failed);
    }
    buffer_add_format(&text, "%zu done", sent->done);
    if (left > 0) {
        buffer_add_format(&text, ", %zu to come", left);
    }
    if (sent->wrongs.length > 0) {
        buffer_add_format(&text, ". %s", buffer_text(&sent->wrongs));
    }
    if (sent->done > 0) {
        buffer_add_format(&text, sent->wrongs.length > 0 ? ". Done: %s" : " (%s)",
                          buffer_text(&sent->names));
    }
    if (left == 0) {
        ui_tell(ui, sent->failed > 0 ? ROLE_WARN : ROLE_PLAIN, buffer_text(&text));
    } else if (!ui->state.message.is_answer) {
        ui_say(ui, sent->failed > 0 ? ROLE_WARN : ROLE_PLAIN, "%s", buffer_text(&text));
    }
}

void sent_answered(struct ui *ui, unsigned number, size_t index, bool bad, const char *text)
{
    struct sent *sent = find_sent(ui, number);

    if (sent == NULL) {
        ui_tell(ui, bad ? ROLE_WARN : ROLE_PLAIN, text);
        return;
    }
    if (sent->count > 1) {
        count_answer(ui, sent, &sent->targets[index], bad, text);
        say_sum(ui, sent);
        if (sent->done + sent->failed < sent->count) {
            return;
        }
    } else {
        AUTO(free) char *called = sent->count == 0 ? xstrdup("") : new_name(ui, sent->targets);
        if (!create_answered(ui, number, bad, text)) {
            AUTO(free) char *all = xasprintf("%s%s", text, called);
            ui_tell(ui, bad ? ROLE_WARN : ROLE_PLAIN, all);
        }
        if (bad) {
            model_note(&ui->model, true, "%s", text);
        }
    }
    list_remove(&ui->sent, &sent->link);
    sent_free(sent);
}
