/*
 * app: one poll() on the terminal, the source and signals.
 *
 * What is urgent (a key, a fact) is drawn at once, but facts at most every FRAME_MS; samples come
 * in bursts once a second and wait a moment for the rest of their burst. The clock in the header
 * moves with whatever is drawn, and at least once a second.
 */
#include "app.h"

#include "act.h"
#include "calls.h"
#include "confirm.h"
#include "input/commands.h"
#include "memory.h"
#include "model/settings.h"
#include "scope.h"
#include "screen.h"
#include "sent.h"
#include "ui.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#define FRAME_MS 100 /* between pictures that no key asked for */
#define BURST_MS 60  /* samples wait for the others */
#define CLOCK_MS 1000
#define FIRST_MS 40      /* an empty picture is not shown if the daemon is that quick */
#define KEYS_AT_ONCE 256 /* then the daemon is listened to again */
#define HUSHED 65536     /* keys that a question drops, which were there before it */
#define DISKS_AT_ONCE 32 /* guests whose disks are asked for; of more it is said that they go */

struct app {
    struct ui ui;
    struct source *source;
    struct canvas canvas;
    int signals;
    bool quit;
    bool more_keys;     /* are read already */
    bool still;         /* the last picture says that it is frozen */
    int64_t started_at; /* monotonic ms, as all here */
    int64_t drawn_at;   /* the last picture; 0: none yet */
    int64_t draw_at;    /* when the next is due */
    unsigned facts;     /* model counters at the last picture */
    unsigned samples;
};

static int64_t app_clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Brings the next picture forward. */
static void draw_by(struct app *app, int64_t at)
{
    if (at < app->draw_at) {
        app->draw_at = at;
    }
}

/* Returns whether the size is another. */
static bool fit_canvas(struct app *app)
{
    int width;
    int height;

    screen_size(&width, &height);
    bool other = width != app->canvas.width || height != app->canvas.height;
    if (other) {
        canvas_done(&app->canvas);
        canvas_init(&app->canvas, width, height, screen_glyphs());
        (void)ui_resize(&app->ui, width, height);
    }
    app->canvas.glyphs = screen_glyphs();
    app->canvas.palette = screen_palette();
    return other;
}

static void draw(struct app *app)
{
    struct model *model = &app->ui.model;

    app->drawn_at = app_clock_ms(CLOCK_MONOTONIC);
    app->draw_at = app->drawn_at + CLOCK_MS;
    app->facts = model->facts;
    app->samples = model->samples;
    bool still = app->ui.state.frozen && app->still;
    app->still = app->ui.state.frozen;
    if (!fit_canvas(app) && still) {
        screen_show(&app->canvas); /* again, if the terminal has lost it */
        return;
    }
    int64_t expires = model_expire(model);
    ui_refresh(&app->ui);
    source_look_at(app->source, guest_list_selected(&app->ui.state.list));
    if (expires != 0) {
        draw_by(app, app->drawn_at + expires - model->now_ms);
    }
    int64_t deaf = view_deaf_ms(&app->ui.state, model->now_ms);
    if (deaf > 0) {
        draw_by(app, app->drawn_at + deaf); /* what answers a question is shown when it hears */
    }
    int64_t due = guest_list_due_ms(&app->ui.state.list, model);
    if (due != 0) {
        draw_by(app, app->drawn_at + (due > model->now_ms ? due - model->now_ms : FRAME_MS));
    }
    view_draw(model, &app->ui.state, &app->canvas);
    screen_show(&app->canvas);
}

/* What has come from the source since the last picture wants a new one. */
static void notice_news(struct app *app)
{
    const struct model *model = &app->ui.model;
    int64_t now = app_clock_ms(CLOCK_MONOTONIC);

    if (model->facts != app->facts) {
        bool first = app->drawn_at == 0 && !model->ready && model->link.state == LINK_LIVE;
        draw_by(app, first ? app->started_at + FIRST_MS : app->drawn_at + FRAME_MS);
    } else if (model->samples != app->samples) {
        int64_t next = app->drawn_at + FRAME_MS;
        draw_by(app, next > now + BURST_MS ? next : now + BURST_MS);
        app->samples = model->samples;
    }
}

/* Writes the picture as it is into a file that must not exist yet. */
static void take_screenshot(struct app *app)
{
    const char *path = app->ui.text;
    AUTO(free) char *text = canvas_to_text(&app->canvas);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (file == NULL) {
        ui_say(&app->ui, ROLE_WARN, "cannot write %s: %s", path, strerror(errno));
        return;
    }
    bool written = fputs(text, file) >= 0;
    if (fclose(file) != 0 || !written) {
        ui_say(&app->ui, ROLE_WARN, "cannot write %s: %s", path, strerror(errno));
    } else {
        ui_say(&app->ui, ROLE_PLAIN, "the picture is in %s", path);
    }
}

static void follow_acts(struct app *app, unsigned acts);

static void app_say(void *owner, const struct call *call, bool bad, const char *text)
{
    struct app *app = owner;

    sent_answered(&app->ui, call->ask, call->index, bad, text);
    draw_by(app, 0);
}

static void screen_came(void *owner, const struct call *call, const char *result)
{
    struct app *app = owner;

    follow_acts(app, screen_opened(&app->ui, (enum screen_way)call->way, call->vm, result));
}

static void disks_came(void *owner, const struct call *call, const struct lodge_vm *vm)
{
    struct app *app = owner;

    if (confirm_take_disks(&app->ui, call->ask, call->index, vm)) {
        draw_by(app, 0);
    }
}

/* Asks the daemon what was asked for by keys. */
static void send_ask(struct app *app)
{
    struct ask ask = app->ui.ask;

    app->ui.ask = (struct ask){0}; /* an answer may come at once */
    if (ask.way == SCREEN_NONE) {
        sent_begin(&app->ui, &ask);
    }
    for (size_t i = 0; i < ask_count(&ask); i++) {
        AUTO(free) char *params = ask_params(&ask, i);
        AUTO(free) char *what = ask_what(&ask, i);
        calls_make(app->source, &(struct call){
                                    .ask = ask.number,
                                    .index = i,
                                    .method = ask_method(&ask, i),
                                    .params = params,
                                    .what = what,
                                    .vm = i < ask.target_count ? ask.targets[i].vm : NULL,
                                    .way = (int)ask.way,
                                    .owner = app,
                                    .say = app_say,
                                    .opened = ask.way == SCREEN_NONE ? NULL : screen_came,
                                });
    }
    ask_done(&ask);
}

/* Asks for what goes with the guests that a question is about. */
static void ask_for_disks(struct app *app)
{
    const struct ask *ask = &app->ui.ask;
    size_t count = ask->target_count > DISKS_AT_ONCE ? 0 : ask->target_count;

    for (size_t i = 0; i < count; i++) {
        if (ask->targets[i].known != DISKS_UNKNOWN) {
            continue;
        }
        struct json_object *params = json_object_new_object();
        json_object_object_add(params, "vm", json_object_new_string(ask->targets[i].vm));
        calls_make(app->source, &(struct call){
                                    .ask = ask->number,
                                    .index = i,
                                    .method = "vm.get",
                                    .params = json_object_to_json_string_ext(params, 0),
                                    .owner = app,
                                    .told = disks_came,
                                });
        json_object_put(params);
    }
}

/* Ourselves once more, as `lodge vnc --viewer`. */
static void start_viewer(struct app *app)
{
    char self[] = "/proc/self/exe";
    char vnc[] = "vnc";
    char viewer[] = "--viewer";
    char flag[] = "--socket";
    AUTO(free)
    char *socket = xstrdup(source_socket(app->source) == NULL ? "" : source_socket(app->source));
    char *with[] = {self, vnc, viewer, flag, socket, app->ui.text, NULL};
    char *without[] = {self, vnc, viewer, app->ui.text, NULL};
    struct lodge_error err = {0};

    struct program program;

    if (program_start(socket[0] == '\0' ? without : with, &program, &err)) {
        beside_add(&app->ui.beside, "the viewer", &program);
    } else {
        ui_say(&app->ui, ROLE_WARN, "%s", err.message);
    }
}

static void hush(void)
{
    struct key dropped;

    for (int i = 0; i < HUSHED && screen_key(&dropped); i++) {
    }
}

static void follow_acts(struct app *app, unsigned acts)
{
    if (acts & ACT_QUIT) {
        app->quit = true;
    }
    if (acts & ACT_SUSPEND) {
        screen_suspend();
        app->ui.model.now_ms = app_clock_ms(CLOCK_REALTIME);
        acts |= ACT_DRAW;
    }
    if (acts & ACT_REPAINT) {
        screen_distrust();
    }
    if (acts & ACT_COPY) {
        screen_copy(app->ui.text);
    }
    if (acts & ACT_SHOT) {
        take_screenshot(app);
    }
    if (acts & ACT_HUSH) {
        hush();
    }
    if (acts & ACT_DISKS) {
        ask_for_disks(app);
    }
    if (acts & ACT_ASK) {
        send_ask(app);
    }
    if (acts & ACT_VIEWER) {
        start_viewer(app);
    }
    if (acts & ACT_OFFERS) {
        source_ask_offers(app->source);
    }
    if (acts & ACT_DRAW) {
        draw_by(app, 0);
    }
}

static void read_keys(struct app *app)
{
    enum glyphs before = screen_glyphs();
    struct key key;
    char pasted[PASTE_BYTES];
    bool cut;

    int left = KEYS_AT_ONCE;
    while (left > 0 && !app->quit && screen_key(&key)) {
        left--;
        if (key.code == KEY_CODE_PASTE) {
            screen_paste(pasted, &cut);
            follow_acts(app, ui_paste(&app->ui, pasted, cut));
        } else {
            follow_acts(app, ui_key(&app->ui, key));
        }
    }
    app->more_keys = left == 0;
    if (screen_expire()) {
        ui_say(&app->ui, ROLE_WARN, "what was pasted has no end: it is dropped");
        draw_by(app, 0);
    }
    if (screen_glyphs() != before) {
        draw_by(app, 0);
    }
}

static void read_signals(struct app *app)
{
    struct signalfd_siginfo info;

    while (!app->quit && read(app->signals, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGWINCH:
        case SIGCONT:
            draw_by(app, 0);
            break;
        case SIGTSTP:
            follow_acts(app, ACT_SUSPEND);
            break;
        default:
            app->quit = true;
        }
    }
}

static int open_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        sigaddset(&set, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Milliseconds until the next deadline. */
static int patience(const struct app *app)
{
    int64_t left = app->more_keys ? 0 : app->draw_at - app_clock_ms(CLOCK_MONOTONIC);
    int timeout = left < 0 ? 0 : (int)left;
    int source = source_timeout_ms(app->source);
    int paste = screen_patience_ms();

    timeout = paste >= 0 && paste < timeout ? paste : timeout;
    return source >= 0 && source < timeout ? source : timeout;
}

static void draw_if_due(struct app *app)
{
    if (!app->quit && app_clock_ms(CLOCK_MONOTONIC) >= app->draw_at) {
        draw(app);
    }
}

/* A viewer or a browser says nothing on this terminal: what it died of is said here. */
static void notice_failures(struct app *app)
{
    AUTO(free) char *failure = beside_failure(&app->ui.beside);
    if (failure != NULL) {
        ui_say(&app->ui, ROLE_WARN, "%s", failure);
        draw_by(app, 0);
    }
}

static void loop(struct app *app)
{
    while (!app->quit) {
        struct pollfd waits[3 + BESIDE_MAX] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = app->signals, .events = POLLIN},
            {.fd = source_fd(app->source), .events = source_events(app->source)},
        };
        size_t count = 3 + beside_waits(&app->ui.beside, waits + 3);
        if (poll(waits, count, patience(app)) < 0 && errno != EINTR) {
            break;
        }
        app->ui.model.now_ms = app_clock_ms(CLOCK_REALTIME);
        if (waits[0].revents & (POLLHUP | POLLERR | POLLNVAL)) {
            break; /* the terminal is gone */
        }
        read_signals(app);
        read_keys(app);
        draw_if_due(app); /* what a key did does not wait for news */
        source_run(app->source);
        screen_forget_link(&app->ui, false);
        notice_failures(app);
        notice_news(app);
        draw_if_due(app);
    }
}

int app_run(const struct source_options *options)
{
    struct app app = {.signals = -1};
    struct lodge_error err = {0};
    bool keep = options->demo_guests < 0; /* a demonstration leaves no traces */

    app.signals = open_signals();
    if (!screen_open(&err)) {
        fprintf(stderr, "lodge: %s\n", err.message);
        close(app.signals);
        return 2;
    }
    app.started_at = app_clock_ms(CLOCK_MONOTONIC);
    app.draw_at = app.started_at + CLOCK_MS;
    ui_init(&app.ui, &tui_commands);
    app.ui.model.now_ms = app_clock_ms(CLOCK_REALTIME);
    if (keep) {
        settings_load(&app.ui.state);
    }
    app.source = source_new(options, &app.ui.model);
    notice_news(&app);
    loop(&app);
    screen_close();
    if (keep) {
        settings_save(&app.ui.state);
    }
    source_free(app.source);
    canvas_done(&app.canvas);
    ui_done(&app.ui);
    close(app.signals);
    return 0;
}
