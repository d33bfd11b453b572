/*
 * screen: canvases to curses, keys from curses, and the terminal given back.
 *
 * State is static because there is one terminal and a crash handler must find it. curses does the
 * escape sequences and the final diff; what is given to it is only the cells that changed.
 */
#include "screen.h"

#include "base64.h"
#include "memory.h"
#include "pairs.h"
#include "scope.h"

#include <curses.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>

/* Answers to the width probe, beyond curses' own keys. */
#define KEY_ONE_WIDE (KEY_MAX + 1)
#define KEY_TWO_WIDE (KEY_MAX + 2)

static struct {
    SCREEN *terminal; /* NULL: not open */
    enum palette palette;
    enum glyphs glyphs;
    struct cell *shown; /* width * height, what curses was told */
    int width, height;
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
    while (*capability != '\0' && screen.reset_length < sizeof(screen.reset)) {
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
    for (enum role role = ROLE_PLAIN + 1; role < ROLES; role++) {
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
    define_key("\033[2;2R", KEY_ONE_WIDE);
    define_key("\033[2;3R", KEY_TWO_WIDE);
    refresh();
    fputs("\0337\033[2;1H\342\224\200\033[6n\0338", stdout);
    fflush(stdout);
    screen_distrust();
}

/* Arrows as terminals send them that do not heed the mode we ask for (or whose multiplexer does
 * not), beside those that their description names. */
static void learn_arrows(void)
{
    static const struct {
        const char *sequence;
        int key;
    } arrows[] = {
        {"\033[A", KEY_UP},    {"\033OA", KEY_UP},    {"\033[B", KEY_DOWN}, {"\033OB", KEY_DOWN},
        {"\033[C", KEY_RIGHT}, {"\033OC", KEY_RIGHT}, {"\033[D", KEY_LEFT}, {"\033OD", KEY_LEFT},
        {"\033[H", KEY_HOME},  {"\033OH", KEY_HOME},  {"\033[F", KEY_END},  {"\033OF", KEY_END},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(arrows); i++) {
        define_key(arrows[i].sequence, arrows[i].key);
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
    prepare_for_crashes();
    set_escdelay(25);
    cbreak();
    noecho();
    nonl();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    learn_arrows();
    curs_set(0);
    choose_palette();
    screen.glyphs = is_utf8() ? GLYPHS_DOTS : GLYPHS_ASCII;
    forget_shown();
    ask_width();
    return true;
}

void screen_close(void)
{
    if (screen.terminal == NULL) {
        return;
    }
    endwin();
    (void)tcflush(STDIN_FILENO, TCIFLUSH); /* an answer to our question is not for the shell */
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
    struct look look = theme_look((enum role)style.role, screen.palette);
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
                    theme_look((enum role)style.role, screen.palette).colour >= 0;

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
    return memcmp(a->chars, b->chars, sizeof(a->chars)) == 0 && a->width == b->width &&
           a->style.role == b->style.role && a->style.flags == b->style.flags &&
           a->style.ink == b->style.ink && a->style.paper == b->style.paper;
}

void screen_show(const struct canvas *canvas)
{
    if (canvas->width != screen.width || canvas->height != screen.height) {
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

static uint32_t code_of(wint_t key)
{
    static const struct {
        wint_t key;
        uint32_t code;
    } codes[] = {
        {KEY_UP, KEY_CODE_UP},         {KEY_DOWN, KEY_CODE_DOWN},
        {KEY_LEFT, KEY_CODE_LEFT},     {KEY_RIGHT, KEY_CODE_RIGHT},
        {KEY_PPAGE, KEY_CODE_PAGE_UP}, {KEY_NPAGE, KEY_CODE_PAGE_DOWN},
        {KEY_HOME, KEY_CODE_HOME},     {KEY_END, KEY_CODE_END},
        {KEY_DC, KEY_CODE_DELETE},     {KEY_BTAB, KEY_CODE_BACK_TAB},
        {KEY_ENTER, KEY_CODE_ENTER},   {KEY_BACKSPACE, KEY_CODE_BACKSPACE},
        {KEY_A1, KEY_CODE_HOME},       {KEY_C1, KEY_CODE_END},
        {KEY_A3, KEY_CODE_PAGE_UP},    {KEY_C3, KEY_CODE_PAGE_DOWN},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        if (codes[i].key == key) {
            return codes[i].code;
        }
    }
    if (key > KEY_F0 && key <= KEY_F(12)) {
        return KEY_CODE_F0 + (uint32_t)(key - KEY_F0);
    }
    return 0;
}

bool screen_key(struct key *ret_key)
{
    wint_t key;
    int kind;

    while ((kind = get_wch(&key)) != ERR) {
        uint32_t code = key;
        if (kind == KEY_CODE_YES) {
            if (key == KEY_ONE_WIDE) {
                screen.glyphs = GLYPHS_LINES;
            }
            code = code_of(key);
        } else if (key == '\n' || key == '\r') {
            code = KEY_CODE_ENTER;
        } else if (key == '\b') {
            code = KEY_CODE_BACKSPACE;
        }
        if (code != 0) {
            *ret_key = (struct key){code};
            return true;
        }
    }
    return false;
}

void screen_suspend(void)
{
    endwin();
    (void)raise(SIGSTOP);
    screen_distrust();
    refresh();
}

void screen_copy(const char *text)
{
    struct buffer encoded = {0};

    base64_write(&encoded, text, strlen(text));
    printf("\033]52;c;%.*s\a", (int)encoded.length, encoded.data == NULL ? "" : encoded.data);
    fflush(stdout);
    buffer_free(&encoded);
}
