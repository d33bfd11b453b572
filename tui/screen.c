/*
 * screen: canvases to curses, bytes to the decoder, and the terminal given back.
 *
 * State is static because there is one terminal and a crash handler must find it. curses does the
 * escape sequences and the final diff; what is given to it is only the cells that changed. What is
 * typed does not pass through curses: it knows no pastes, and stops at what is no UTF-8. The
 * terminal is raw, so that no byte of a paste is a signal or stops the output.
 */
#include "screen.h"

#include "base64.h"
#include "input/decoder.h"
#include "memory.h"
#include "pairs.h"
#include "scope.h"

#include <curses.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <time.h>

/* Answers to the width probe, beyond all keys. */
enum { CODE_ONE_WIDE = KEY_CODE_F12 + 1, CODE_TWO_WIDE };

/* Whether the terminal is to mark what is pasted. */
#define PASTE_MARKED "\033[?2004h"
#define PASTE_UNMARKED "\033[?2004l"

static struct {
    SCREEN *terminal; /* NULL: not open */
    enum palette palette;
    enum glyphs glyphs;
    struct cell *shown; /* width * height, what curses was told */
    int width, height;
    struct decoder decoder;
    bool marks_pastes;     /* it was asked to, should it know how */
    bool is_away;          /* it was given back, and is not touched any more */
    struct termios before; /* the modes we found */
    char reset[256];       /* what undoes ours; written by the crash handler */
    size_t reset_length;
} screen;

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/* write and tcsetattr are safe in a signal handler; endwin is not. */
static void give_back_and_die(int number)
{
    ssize_t written = write(STDOUT_FILENO, screen.reset, screen.reset_length);

    (void)written;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
    (void)raise(number); /* SA_RESETHAND: the default action, a core with the true cause */
}

/* Appends a capability without its padding ("$<5>"), which no terminal of today needs. */
static void add_reset(const char *capability)
{
    if (capability == NULL) {
        return;
    }
    while (*capability != '\0' && screen.reset_length < sizeof screen.reset) {
        if (capability[0] == '$' && capability[1] == '<') {
            capability += strcspn(capability, ">");
            capability += *capability == '>';
        } else {
            screen.reset[screen.reset_length++] = *capability++;
        }
    }
}

static void prepare_for_crashes(void)
{
    struct sigaction action = {.sa_handler = give_back_and_die, .sa_flags = (int)SA_RESETHAND};

    screen.reset_length = 0;
    add_reset(screen.marks_pastes ? PASTE_UNMARKED : NULL);
    add_reset(exit_attribute_mode);
    add_reset(orig_pair);
    add_reset(keypad_local);
    add_reset(cursor_normal);
    add_reset(exit_ca_mode);
    for (size_t i = 0; i < ARRAY_LENGTH(fatal_signals); i++) {
        sigaction(fatal_signals[i], &action, NULL);
    }
}

static void choose_palette(void)
{
    const char *no_color = getenv("NO_COLOR");

    screen.palette = PALETTE_NONE;
    if ((no_color != NULL && no_color[0] != '\0') || !has_colors() || start_color() == ERR ||
        use_default_colors() == ERR) {
        return;
    }
    screen.palette = COLORS >= 256 ? PALETTE_256 : PALETTE_8;
    for (enum style_role role = ROLE_PLAIN + 1; role < ROLES; role++) {
        init_pair((short)role, (short)theme_look(role, screen.palette).colour, -1);
    }
}

static bool is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Box drawing is one column wide here and two there. We ask: draw a line character at the start of
 * line 2, and where is the cursor? The answer comes as a key, whenever it comes; a terminal that
 * never answers keeps ASCII lines. (Line 2, since ESC [ 1 ; 2 R is what Shift-F3 sends.) */
static void ask_width(void)
{
    if (!is_utf8()) {
        return;
    }
    decoder_learn(&screen.decoder, "\033[2;2R", CODE_ONE_WIDE);
    decoder_learn(&screen.decoder, "\033[2;3R", CODE_TWO_WIDE);
    refresh();
    fputs("\0337\033[2;1H\342\224\200\033[6n\0338", stdout);
    fflush(stdout);
    screen_distrust();
}

static void mark_pastes(bool marked)
{
    if (screen.marks_pastes) {
        fputs(marked ? PASTE_MARKED : PASTE_UNMARKED, stdout);
        fflush(stdout);
    }
}

/* What the terminal's description says that keys send. */
static void learn_described(void)
{
    static const struct {
        const char *capability;
        uint32_t code;
    } keys[] = {
        {"kcuu1", KEY_CODE_UP},      {"kcud1", KEY_CODE_DOWN},  {"kcub1", KEY_CODE_LEFT},
        {"kcuf1", KEY_CODE_RIGHT},   {"kpp", KEY_CODE_PAGE_UP}, {"knp", KEY_CODE_PAGE_DOWN},
        {"khome", KEY_CODE_HOME},    {"kend", KEY_CODE_END},    {"kdch1", KEY_CODE_DELETE},
        {"kcbt", KEY_CODE_BACK_TAB}, {"kent", KEY_CODE_ENTER},  {"ka1", KEY_CODE_HOME},
        {"kc1", KEY_CODE_END},       {"ka3", KEY_CODE_PAGE_UP}, {"kc3", KEY_CODE_PAGE_DOWN},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        const char *sequence = tigetstr((char *)(uintptr_t)keys[i].capability);
        decoder_learn(&screen.decoder, sequence == (char *)-1 ? NULL : sequence, keys[i].code);
    }
    for (unsigned number = 1; number <= 12; number++) {
        char name[8];
        snprintf(name, sizeof name, "kf%u", number);
        const char *sequence = tigetstr(name);
        decoder_learn(&screen.decoder, sequence == (char *)-1 ? NULL : sequence,
                      KEY_CODE_F0 + number);
    }
}

static void forget_shown(void)
{
    getmaxyx(stdscr, screen.height, screen.width);
    free(screen.shown);
    screen.shown = xcalloc((size_t)screen.width * (size_t)screen.height + 1, sizeof(struct cell));
}

static bool take_terminal(struct lodge_error *err)
{
    const char *term = getenv("TERM");
    int found;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "the console wants a terminal; `lodge ls` and `lodge watch` do not");
    }
    if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "the console cannot draw on this terminal (TERM=%s); use `lodge ls` or "
                          "`lodge watch`",
                          term == NULL ? "" : term);
    }
    if (tcgetattr(STDIN_FILENO, &screen.before) != 0) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "cannot read the terminal's modes");
    }
    if (setupterm(term, STDOUT_FILENO, &found) != OK) { /* newterm would tell, and leak */
        return lodge_fail(err, LODGE_ERROR_INVALID,
                          "no description of this terminal (TERM=%s) is installed; try "
                          "TERM=xterm-256color, or use `lodge ls`",
                          term);
    }
    del_curterm(cur_term);
    screen.terminal = newterm(NULL, stdout, stdin);
    if (screen.terminal == NULL) {
        return lodge_fail(err, LODGE_ERROR_INVALID, "curses cannot use this terminal (TERM=%s)",
                          term);
    }
    return true;
}

bool screen_open(struct lodge_error *err)
{
    if (!take_terminal(err)) {
        return false;
    }
    set_term(screen.terminal);
    screen.decoder = (struct decoder){0};
    screen.marks_pastes = cursor_address != NULL && strncmp(cursor_address, "\033[", 2) == 0;
    prepare_for_crashes();
    raw();
    noecho();
    nonl();
    typeahead(-1); /* a picture is shown whole, whatever is typed meanwhile */
    keypad(stdscr, TRUE);
    learn_described();
    decoder_learn_usual(&screen.decoder);
    curs_set(0);
    choose_palette();
    screen.glyphs = is_utf8() ? GLYPHS_DOTS : GLYPHS_ASCII;
    forget_shown();
    ask_width();
    mark_pastes(true);
    return true;
}

void screen_close(void)
{
    if (screen.terminal == NULL) {
        return;
    }
    if (!screen.is_away) {
        mark_pastes(false);
        endwin();
        (void)tcflush(STDIN_FILENO, TCIFLUSH); /* an answer to our question is not for the shell */
    }
    delscreen(screen.terminal);
    pairs_forget();
    free(screen.shown);
    screen.shown = NULL;
    screen.terminal = NULL;
}

enum glyphs screen_glyphs(void)
{
    return screen.glyphs;
}

enum palette screen_palette(void)
{
    return screen.palette;
}

void screen_size(int *ret_width, int *ret_height)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
        (size.ws_row != screen.height || size.ws_col != screen.width)) {
        resizeterm(size.ws_row, size.ws_col);
        forget_shown();
        screen_distrust();
    }
    *ret_width = screen.width;
    *ret_height = screen.height;
}

static attr_t attributes_of(struct style style)
{
    if (style.flags & STYLE_COLOURS) {
        return A_NORMAL;
    }
    struct look look = theme_look((enum style_role)style.role, screen.palette);
    unsigned flags = look.flags | style.flags;
    attr_t attributes = A_NORMAL;

    if (flags & STYLE_REVERSE) {
        return A_REVERSE | (flags & STYLE_BOLD ? A_BOLD : 0); /* one even bar */
    }
    attributes |= flags & STYLE_BOLD ? A_BOLD : 0;
    attributes |= flags & STYLE_DIM ? A_DIM : 0;
    attributes |= flags & STYLE_UNDERLINE ? A_UNDERLINE : 0;
    return attributes;
}

static short pair_of(struct style style)
{
    if (style.flags & STYLE_COLOURS) {
        return pairs_find(style.ink, style.paper);
    }
    bool coloured = screen.palette != PALETTE_NONE && (style.flags & STYLE_REVERSE) == 0 &&
                    theme_look((enum style_role)style.role, screen.palette).colour >= 0;

    return (short)(coloured ? style.role : 0);
}

static void show_cell(int x, int y, const struct cell *cell)
{
    wchar_t text[CELL_CHARS + 1] = {0};
    cchar_t character;

    for (size_t i = 0; i < CELL_CHARS; i++) {
        text[i] = (wchar_t)cell->chars[i];
    }
    if (setcchar(&character, text, attributes_of(cell->style), pair_of(cell->style), NULL) != ERR) {
        mvadd_wch(y, x, &character); /* ERR in the last corner, though it is drawn */
    }
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    return memcmp(a->chars, b->chars, sizeof a->chars) == 0 && a->width == b->width &&
           a->style.role == b->style.role && a->style.flags == b->style.flags &&
           a->style.ink == b->style.ink && a->style.paper == b->style.paper;
}

void screen_show(const struct canvas *canvas)
{
    if (screen.is_away || canvas->width != screen.width || canvas->height != screen.height) {
        return; /* a picture of the size before; the next one fits */
    }
    if (pairs_are_scarce()) {
        pairs_forget();
        forget_shown(); /* their numbers get other colours */
    }
    for (int y = 0; y < canvas->height; y++) {
        for (int x = 0; x < canvas->width; x++) {
            size_t at = (size_t)y * (size_t)canvas->width + (size_t)x;
            const struct cell *cell = &canvas->cells[at];
            if (same_cell(cell, &screen.shown[at])) {
                continue;
            }
            screen.shown[at] = *cell;
            if (cell->width > 0) {
                show_cell(x, y, cell);
            }
        }
    }
    bool visible = canvas->cursor_x >= 0 && canvas->cursor_x < canvas->width;
    if (visible) {
        move(canvas->cursor_y, canvas->cursor_x);
    }
    curs_set(visible ? 1 : 0);
    wnoutrefresh(stdscr);
    doupdate();
}

void screen_distrust(void)
{
    clearok(curscr, TRUE);
}

static int64_t screen_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads once; whether something came in so many milliseconds. */
static bool read_terminal(int patience_ms)
{
    struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
    size_t size;
    char *room = decoder_room(&screen.decoder, &size);

    if (screen.is_away || poll(&wait, 1, patience_ms) <= 0 || (wait.revents & POLLIN) == 0) {
        return false;
    }
    ssize_t length = read(STDIN_FILENO, room, size);
    if (length <= 0) {
        return false; /* the terminal is gone; poll() tells that too */
    }
    decoder_take(&screen.decoder, (size_t)length, screen_now_ms());
    return true;
}

bool screen_key(struct key *ret_key)
{
    bool waited = false;
    bool has_read = false;

    for (;;) {
        switch (decoder_next(&screen.decoder, waited, ret_key)) {
        case DECODED_KEY:
            if (ret_key->code <= KEY_CODE_F12) {
                return true;
            }
            if (ret_key->code == CODE_ONE_WIDE) {
                screen.glyphs = GLYPHS_LINES;
            }
            break;
        case DECODED_PART:
            waited = !read_terminal(DECODER_KEY_MS);
            break;
        case DECODED_NOTHING:
            if (has_read || !read_terminal(0)) {
                return false;
            }
            has_read = true;
            break;
        }
    }
}

void screen_paste(char text[PASTE_BYTES], bool *ret_cut)
{
    decoder_paste(&screen.decoder, text, ret_cut);
}

int screen_patience_ms(void)
{
    return decoder_patience_ms(&screen.decoder, screen_now_ms());
}

bool screen_expire(void)
{
    return decoder_expire(&screen.decoder, screen_now_ms());
}

/* Whether the terminal is somebody else's just now: to touch it would stop us. */
static bool is_in_background(void)
{
    pid_t front = tcgetpgrp(STDIN_FILENO);

    return front > 0 && front != getpgrp();
}

/* Whether somebody wants us to end; such signals are blocked, and read by app.c. */
static bool is_to_end(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGHUP) == 1 ||
            sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGQUIT) == 1);
}

/* Its modes are changed from the background when our whole job was stopped by somebody else's
 * SIGTSTP: its shell has the terminal then, and SIGTTOU would stop us half way. */
static void give_terminal_back(void)
{
    sigset_t tells_off;
    sigset_t before;

    sigemptyset(&tells_off);
    sigaddset(&tells_off, SIGTTOU);
    sigprocmask(SIG_BLOCK, &tells_off, &before);
    mark_pastes(false);
    endwin();
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void screen_suspend(void)
{
    bool alone = is_in_background() || tcgetpgrp(STDIN_FILENO) < 0; /* others are stopped already */

    give_terminal_back();
    do {
        /* A script in front of us, as ./start, must stop too, or no shell takes the terminal. */
        (void)(alone ? raise(SIGSTOP) : kill(0, SIGSTOP));
        alone = false;
        screen.is_away =
            is_in_background(); /* continued by `bg`, or to hear the signal that ends it */
    } while (screen.is_away && !is_to_end());
    if (screen.is_away) {
        return;
    }
    if (tcgetattr(STDIN_FILENO, &screen.before) == 0) {
        def_shell_mode(); /* what the shell has made of them meanwhile */
    }
    screen_distrust();
    refresh();
    mark_pastes(true);
}

void screen_copy(const char *text)
{
    AUTO(buffer_free) struct buffer encoded = {0};

    base64_write(&encoded, text, strlen(text));
    printf("\033]52;c;%.*s\a", (int)encoded.length, encoded.data == NULL ? "" : encoded.data);
    fflush(stdout);
}
