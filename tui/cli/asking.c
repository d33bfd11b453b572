/*
 * asking: all calls are out before the first answer is waited for, and are answered in any order.
 * Meanwhile a subscription to operations draws one line of progress on stderr, on a terminal, and
 * elsewhere says what an operation waits for that has waited for two seconds.
 * Askings are the caller's array; what they hold is freed by asking_end().
 */
#include "cli/asking.h"

#include "cli/output.h"
#include "cli/print.h"
#include "cli/suggest.h"
#include "cli/terms.h"
#include "contract/contract.h"
#include "memory.h"
#include "scope.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

/* Every operation waits a moment for libvirt's event; that is nothing to tell. */
enum { SAID_AFTER_MS = 2000 };

bool command_has(const struct command *command, const char *flag)
{
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].flag, flag) == 0) {
            return true;
        }
    }
    return false;
}

const char *command_value(const struct command *command, const char *flag)
{
    const char *value = NULL;
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].flag, flag) == 0) {
            value = command->options[i].value;
        }
    }
    return value;
}

static void add_manners(const struct command *command, struct json_object *params)
{
    unsigned char random[16];
    char text[2 * sizeof random + 1];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        abort(); /* never fails once the kernel is up (getrandom(2)) */
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    }
    json_object_object_add(params, "request_id", json_object_new_string(text));
    if (!command_has(command, "--no-wait")) {
        json_object_object_add(params, "wait", json_object_new_boolean(true));
    }
}

static void hear_answer(void *data, const char *result, const struct lodge_error *error)
{
    struct asking *asking = data;
    asking->answered = true;
    if (error != NULL) {
        asking->error = *error;
    } else {
        asking->result = xstrdup(result);
    }
}

/* Whom the progress of operations is told. */
struct progress {
    const struct command *command;
    struct asking *askings;
    size_t count;
    bool is_terminal;
};

static size_t stderr_width(void)
{
    enum { USUAL = 80 };
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known ? size.ws_col - 1U : USUAL;
}

static bool is_about_call(const struct lodge_op *op, const struct asking *asking)
{
    const char *slash = strchr(asking->subject, '/');
    const char *name = slash == NULL ? asking->subject : slash + 1;
    return strcmp(name, op->vm) == 0 || strcmp(name, op->uuid) == 0;
}

static void take_wait(struct asking *asking, const struct lodge_op *op)
{
    bool waited = asking->waits != NULL;
    free(TAKE(asking->waits));
    if (op->reason != NULL && !asking->said_wait) {
        AUTO(free) char *reason = terms_for_people(op->reason, op->id, TERMS_ANY_FLAG);
        asking->waits = xasprintf("operation %lld is %s: %s", (long long)op->id,
                                  lodge_op_state_name(op->state), reason);
        asking->say_at = waited ? asking->say_at : command_now_ms() + SAID_AFTER_MS;
    }
}

static void take_waits(const struct progress *progress, const struct lodge_op *op)
{
    for (size_t i = 0; op->kind != NULL && i < progress->count; i++) {
        struct asking *asking = &progress->askings[i];
        if (strcmp(op->kind, progress->command->method) == 0 && is_about_call(op, asking)) {
            take_wait(asking, op);
        }
    }
}

/* In a pipe or a log only what one would wonder at is said, and once. Returns in how many
 * milliseconds to come again, -1 where nothing waits. */
static int say_waits(struct asking *askings, size_t count)
{
    int64_t now = command_now_ms();
    int64_t next = -1;
    for (size_t i = 0; i < count; i++) {
        struct asking *asking = &askings[i];
        if (asking->waits == NULL || asking->answered) {
            continue;
        }
        if (asking->say_at <= now) {
            print_text(stderr, "%s: %s\n", asking->subject, asking->waits);
            free(TAKE(asking->waits));
            asking->said_wait = true;
        } else if (next < 0 || asking->say_at - now < next) {
            next = asking->say_at - now;
        }
    }
    return (int)next;
}

/* One line on the terminal that says where the newest operation stands. */
static void draw_progress(const struct lodge_op *op)
{
    enum { LINE = 1024 };
    char line[LINE];
    char shown[LINE];
    AUTO(free)
    char *reason = terms_for_people(op->reason == NULL ? "" : op->reason, op->id, TERMS_ANY_FLAG);
    (void)snprintf(line, sizeof line, "%s %s: %s%s%s%s%s", terms_verb(op->kind), op->vm,
                   lodge_op_state_name(op->state), op->step == NULL ? "" : ", ",
                   op->step == NULL ? "" : op->step, op->reason == NULL ? "" : ": ", reason);
    (void)text_fit(shown, sizeof shown, line, stderr_width(), TEXT_CUT_END);
    fputs("\r\033[K", stderr);
    print_text(stderr, "%s", shown);
}

static void hear_progress(void *data, const struct lodge_event *event,
                          const struct lodge_error *error)
{
    const struct progress *progress = data;
    if (error != NULL || event->topic != LODGE_TOPIC_OP || event->op.vm == NULL) {
        return;
    }
    if (progress->is_terminal) {
        draw_progress(&event->op);
    } else {
        take_waits(progress, &event->op);
    }
}

static bool all_answered(const struct asking *askings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!askings[i].answered) {
            return false;
        }
    }
    return true;
}

bool asking_all(const struct command *command, struct lodge_client *client, struct asking *askings,
                size_t count, struct lodge_error *err)
{
    bool shows = !command_has(command, "--no-wait");
    struct progress whom = {command, askings, count, isatty(STDERR_FILENO) != 0};
    struct lodge_subscribe ops = {.topics = {[LODGE_TOPIC_OP] = true}};
    struct lodge_subscription *progress =
        shows ? lodge_client_subscribe(client, &ops, hear_progress, &whom, err) : NULL;
    if (shows && progress == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        add_manners(command, askings[i].params);
        const char *params = json_object_to_json_string_ext(
            askings[i].params, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (lodge_client_call(client, command->method, params, 0, hear_answer, &askings[i], err) ==
            0) {
            return false;
        }
    }
    bool good = true;
    while (good && !all_answered(askings, count)) {
        good = command_listen(client, say_waits(askings, count), err);
    }
    if (shows) {
        fputs(whom.is_terminal ? "\r\033[K" : "", stderr);
        lodge_subscription_end(progress);
    }
    return good;
}

static void say_pending(struct json_object *result, const char *subject)
{
    struct json_object *pending = json_object_object_get(result, "pending");
    size_t count = pending == NULL ? 0 : json_object_array_length(pending);
    for (size_t i = 0; i < count; i++) {
        const char *member = json_object_get_string(json_object_array_get_idx(pending, i));
        print_text(stdout, "%s%s", i == 0 ? "" : ", ",
                   lodge_vm_waiting_words(member == NULL ? "?" : member));
    }
    if (count > 0) {
        print_text(stdout, " of %s: at its next boot\n", subject);
    }
}

static void say_dropped(struct json_object *result, const char *subject)
{
    struct json_object *dropped = json_object_object_get(result, "dropped");
    size_t count = dropped == NULL ? 0 : json_object_array_length(dropped);
    for (size_t i = 0; i < count; i++) {
        print_text(stdout, "%s no longer has %s\n", subject,
                   json_object_get_string(json_object_array_get_idx(dropped, i)));
    }
}

/* Whether there was any. */
static bool print_kept(struct json_object *result)
{
    struct json_object *kept = json_object_object_get(result, "kept");
    size_t count = kept == NULL ? 0 : json_object_array_length(kept);
    for (size_t i = 0; i < count; i++) {
        struct json_object *disk = json_object_array_get_idx(kept, i);
        print_text(stdout, "kept %s: %s\n",
                   json_object_get_string(json_object_object_get(disk, "path")),
                   json_object_get_string(json_object_object_get(disk, "why")));
    }
    return count > 0;
}

/* Whether a text says by itself whom it is about: "'web' was running already". */
static bool says_whom(const char *text, const char *subject)
{
    const char *slash = strchr(subject, '/');
    AUTO(free) char *quoted = xasprintf("'%s'", slash == NULL ? subject : slash + 1);
    return strstr(text, quoted) != NULL;
}

/* Beside what was asked for, so not among it. */
static void say_notes(struct json_object *result, const char *subject)
{
    struct json_object *notes = json_object_object_get(result, "notes");
    size_t count = notes == NULL ? 0 : json_object_array_length(notes);
    for (size_t i = 0; i < count; i++) {
        const char *note = json_object_get_string(json_object_array_get_idx(notes, i));
        AUTO(free) char *words = terms_for_people(note, 0, TERMS_ANY_FLAG);
        bool whom = says_whom(words, subject);
        print_text(stderr, "lodge: %s%s%s\n", whom ? "" : subject, whom ? "" : ": ", words);
    }
}

static void say_result(const struct command *command, const struct asking *asking)
{
    struct json_object *result = json_tokener_parse(asking->result);
    if (command->json) {
        print_json(stdout, asking->result);
    } else if (command_has(command, "--no-wait")) {
        print_text(stdout, "%s: operation %lld\n", asking->subject,
                   (long long)json_object_get_int64(json_object_object_get(result, "op")));
    } else {
        print_text(stdout, "%s: %s done\n", asking->subject, command->verb);
        say_pending(result, asking->subject);
        say_dropped(result, asking->subject);
        if (!print_kept(result)) {
            say_notes(result, asking->subject);
        }
    }
    json_object_put(result);
}

/* Else nothing was asked: what was wrong with the call is told alone. */
static bool any_answered(const struct asking *askings, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        any |= askings[i].answered;
    }
    return any;
}

/* What was asked of several is told in one: a line for each would be no JSON. */
static void say_all(const struct asking *askings, size_t count)
{
    struct json_object *all = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        const struct asking *asking = &askings[i];
        struct json_object *one = json_object_new_object();
        json_object_object_add(one, "vm", json_object_new_string(asking->subject));
        if (asking->result != NULL) {
            json_object_object_add(one, "result", json_tokener_parse(asking->result));
        } else {
            struct lodge_error err = asking->error;
            if (!asking->answered) {
                (void)lodge_fail(&err, LODGE_ERROR_UNREACHABLE, "no answer came");
            }
            json_object_object_add(one, "error", error_as_json(&err));
        }
        json_object_array_add(all, one);
    }
    print_json(stdout, json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN |
                                                               JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(all);
}

static void say_failure(const struct command *command, const struct lodge_error *err)
{
    command->output->error(command, err);
    if (!command->json) {
        suggest_vm(command, err);
    }
}

bool asking_end(const struct command *command, struct asking *askings, size_t count,
                struct lodge_error *err)
{
    bool good = true;
    bool in_one = command->json && count > 1 && any_answered(askings, count);
    if (in_one) {
        say_all(askings, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct asking *asking = &askings[i];
        if (asking->result != NULL && !in_one) {
            say_result(command, asking);
        } else if (asking->result == NULL && asking->answered) {
            if (!good && !in_one) {
                say_failure(command, err);
            }
            *err = asking->error;
            good = says_whom(err->message, asking->subject)
                       ? false
                       : lodge_fail_in(err, "%s", asking->subject);
        }
        json_object_put(asking->params);
        free(asking->result);
        free(asking->waits);
    }
    return good;
}

static bool answer_read(const char *question, char *ret_line, size_t size, struct lodge_error *err)
{
    if (!isatty(STDIN_FILENO)) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "nobody can be asked here: say --yes if it is meant");
    }
    print_text(stderr, "%s ", question);
    if (fgets(ret_line, (int)size, stdin) == NULL) {
        ret_line[0] = '\0';
    }
    ret_line[strcspn(ret_line, "\n")] = '\0';
    return true;
}

bool asking_confirm(const char *question, struct lodge_error *err)
{
    char line[16];
    if (!answer_read(question, line, sizeof line, err)) {
        return false;
    }
    return strcmp(line, "y") == 0 || strcmp(line, "yes") == 0 ||
           lodge_fail(err, LODGE_ERROR_CANCELLED, "nothing was done");
}

bool asking_type(const char *question, const char *word, struct lodge_error *err)
{
    char line[512];
    if (!answer_read(question, line, sizeof line, err)) {
        return false;
    }
    return strcmp(line, word) == 0 || lodge_fail(err, LODGE_ERROR_CANCELLED, "nothing was done");
}
