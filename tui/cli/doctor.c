/*
 * doctor: `lodge doctor`: is all well, and what to do where it is not; most useful when no lodged
 * answers. It fails when something is bad. No program, device or lodged is asked without a
 * deadline.
 */
#include "cli/doctor.h"

#include "cli/program.h"
#include "memory.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *doctor_how_to_join(const struct examination *at, const char *group)
{
    return xasprintf("adduser %s %s, as root; then log in again", at->user, group);
}

int doctor_patience_ms(const struct examination *at)
{
    int64_t left = at->until - command_now_ms();
    return left < 0 ? 0 : left < DOCTOR_ANSWER_MS ? (int)left : DOCTOR_ANSWER_MS;
}

char *doctor_last_line(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr("\r\n \t", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    char *newline = strrchr(text, '\n');
    return newline == NULL ? text : newline + 1;
}

char *doctor_run(const struct examination *at, char *const *words, bool *ret_well,
                 struct lodge_error *err)
{
    struct program program;
    char *said = NULL;
    if (!program_start(words, &program, err)) {
        return NULL;
    }
    if (program_has_ended(&program, doctor_patience_ms(at))) {
        said = program_said(&program);
        *ret_well = program.went_well;
    } else {
        program_kill(&program);
        (void)lodge_fail(err, LODGE_ERROR_TIMEOUT, "%s did not answer in time", words[0]);
    }
    program_forget(&program);
    return said;
}

static bool verdict(const struct examination *at, struct lodge_error *err)
{
    unsigned bad = at->findings.counts[MARK_BAD];
    return (at->answers && bad == 0) ||
           lodge_fail(err, at->answers ? LODGE_ERROR_BAD_STATE : LODGE_ERROR_UNREACHABLE,
                      "%u thing%s not well%s", bad, bad == 1 ? " is" : "s are",
                      at->answers ? "" : ": no lodged answers");
}

bool run_doctor(const struct command *command, struct lodge_error *err)
{
    struct lodge_error no_client = {0}; /* is told by what is found at the socket */
    AUTO(free) char *usual = command->socket_path == NULL ? lodge_socket_path() : NULL;
    AUTO(lodge_client_close) struct lodge_client *client = command_connect(command, &no_client);
    const struct passwd *user = getpwuid(geteuid());
    AUTO(free) char *name = xstrdup(user == NULL ? "USER" : user->pw_name);
    struct examination at = {
        .user = name,
        .command = command,
        .client = client,
        .socket = command->socket_path == NULL ? usual : command->socket_path,
        .until = command_now_ms() + DOCTOR_ALL_MS,
    };
    if (at.socket == NULL) {
        return lodge_fail(err, LODGE_ERROR_INTERNAL, "out of memory");
    }
    findings_begin(&at.findings, command->json);
    doctor_ask_whether_it_answers(&at);
    doctor_look_at_service(&at);
    doctor_look_at_log(&at);
    doctor_look_at_socket(&at);
    doctor_look_at_machine(&at);
    if (at.answers) {
        doctor_ask_lodged(&at);
    }
    AUTO(free) char *json = findings_end(&at.findings);
    return (json == NULL || command->output->vm(json, err)) && verdict(&at, err);
}
