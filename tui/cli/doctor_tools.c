/* doctor_tools: asking a program within what is left of the time, and words of advice. No state. */
#include "cli/doctor.h"

#include "cli/program.h"
#include "memory.h"

#include <string.h>

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
