/* doctor: what the parts of `lodge doctor` share. Private to it. */
#ifndef TUI_CLI_DOCTOR_H
#define TUI_CLI_DOCTOR_H

#include "cli/command.h"
#include "cli/findings.h"

/* How long a program or lodged has for one answer, and all of them together: whatever hangs, doctor
 * does not. */
enum { DOCTOR_ANSWER_MS = 3000, DOCTOR_ALL_MS = 8000 };

struct examination {
    const struct command *command;
    struct lodge_client *client; /* NULL: none listens */
    const char *socket;
    const char *user; /* whoever asks, for the commands that help */
    struct findings findings;
    bool answers;     /* lodged has answered a call */
    bool is_admin;    /* by what lodged says */
    int64_t until;    /* of command_now_ms() */
    bool has_unit;    /* systemd runs, and has one */
    bool unit_active; /* which says that it is active */
};

/* "lodged" as a service, its process, its log, its socket and who may open it. */
void doctor_look_at_service(struct examination *at);
void doctor_look_at_log(struct examination *at);
void doctor_look_at_socket(struct examination *at);

/* KVM, libvirt where no lodged tells of it, and guests that it will never let go of. */
void doctor_look_at_machine(struct examination *at);

/* What lodged knows. Whether it answers at all, first. */
void doctor_ask_whether_it_answers(struct examination *at);
void doctor_ask_lodged(struct examination *at);

/* What may be put into a command for pasting; whoever named a file or a guest chose its letters. */
#define DOCTOR_PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* "adduser alice kvm, as root; then log in again". The caller frees. */
char *doctor_how_to_join(const struct examination *at, const char *group);

/* What is left for one answer; 0: nothing. */
int doctor_patience_ms(const struct examination *at);

/* What a program has said within that, both of its streams; `ret_well` whether it ended with 0.
 * NULL with `err`: it cannot be started, or has not ended and was killed. The caller frees. */
char *doctor_run(const struct examination *at, char *const *words, bool *ret_well,
                 struct lodge_error *err);

/* The last line of a text that is not empty, within it. The text is cut behind it. */
char *doctor_last_line(char *text);

#endif
