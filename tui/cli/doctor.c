/*
 * doctor: `lodge doctor`: is all well, and what to do where it is not; most useful when no lodged
 * answers. It fails when something is bad. No program, device or lodged is asked without a
 * deadline.
 */
#include "cli/doctor.h"

#include "memory.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

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
