/*
 * screen: a program in a pseudo-terminal, seen through libvterm as a person would see it.
 *
 * Waiting is for what appears, with a deadline that is generous because machines are slow; when it
 * passes, the test fails with the picture that was there instead. Ends the test by cmocka's fail.
 */
#ifndef TESTS_SUPPORT_SCREEN_H
#define TESTS_SUPPORT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

struct VTerm;
struct VTermScreen;

struct screen {
    int terminal; /* our end */
    int program;  /* its end, kept open so that its modes can be asked after it has gone */
    pid_t pid;    /* 0: it has ended */
    int status;   /* as of waitpid, once it has */
    int width, height;
    struct VTerm *vterm;
    struct VTermScreen *cells;
    struct termios before; /* the terminal's modes as the program found them */
    char *bytes;           /* all that it has written */
    size_t length;
    size_t capacity;
};

/* Starts argv[0] with the environment of the test plus `env` ("NAME=value", NULL ends; "NAME" alone
 * takes it away). */
struct screen *screen_start(int width, int height, const char *const *argv, const char *const *env);

/* When a wait fails, the end of this file is kept as NAME beside the picture (four files at most).
 */
void screen_keep_too(const char *name, const char *path);

/* Ends the program by force if it has not ended; frees everything. */
void screen_stop(struct screen *screen);

/* Until the text stands somewhere on the screen, or nowhere on it. */
void screen_wait(struct screen *screen, const char *text);
void screen_wait_gone(struct screen *screen, const char *text);

/* Until the text stands on it, over as many lines as it was broken into at its blanks. */
void screen_wait_whole(struct screen *screen, const char *text);

/* Until a line that has `text` begins with `start`. */
void screen_wait_line(struct screen *screen, const char *start, const char *text);

/* Types; the bytes go as they are. */
void screen_type(struct screen *screen, const char *keys);

/* The same of any length and any bytes: what the program writes meanwhile is taken in. */
void screen_send(struct screen *screen, const char *bytes, size_t length);

void screen_resize(struct screen *screen, int width, int height);
void screen_signal(struct screen *screen, int number);

/* Until the program has ended; its exit status, or 128 + the signal that ended it. */
int screen_wait_end(struct screen *screen);

/* Until it has been stopped (Ctrl-Z). */
void screen_wait_stopped(struct screen *screen);

/* The picture: lines of UTF-8 without trailing blanks. The caller frees. */
char *screen_text(struct screen *screen);

/* Whether these bytes are among those written since screen_forget_bytes(). */
bool screen_wrote(const struct screen *screen, const char *bytes);

/* Until they are: what a program wrote last may reach our end after its end does. */
void screen_wait_bytes(struct screen *screen, const char *bytes);

void screen_forget_bytes(struct screen *screen);

/* Whether the terminal's modes are what the program found. */
bool screen_modes_are_restored(const struct screen *screen);

#endif
