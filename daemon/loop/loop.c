/*
 * loop: at the end of each turn of libuv, end_turn() runs what was put off until then and frees
 * what was to be freed; while there is any such, an idle handle keeps the turn from waiting.
 *
 * Other threads come by the mailbox, whose eventfd wakes the loop; many letters take many turns, so
 * that whoever asks by a socket is answered between them. Handles are freed by their close
 * callbacks. A loop that has ended is kept, with its mailbox, for threads that come back from a
 * call later.
 */
#include "loop/loop.h"

#include "loop/thread.h"
#include "loop/timers.h"
#include "memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long letters may take in a turn: what hosts tell comes by thousands. */
enum { LETTERS_US = 4000 };

struct heard_signal {
    uv_signal_t signal; /* first */
    void (*heard)(void *owner, int signal);
    void *owner;
    struct heard_signal *next; /* in loop.signals */
};

struct loop {
    uv_loop_t uv;
    struct timers *timers;
    struct mailbox *box;
    struct loop_later letters; /* those that are left when their time is over */
    uint64_t letters_end_us;   /* monotonic */
    bool runs;                 /* else all letters are delivered at once */
    uv_poll_t wake;
    uv_check_t turn_end; /* unreferenced: it keeps nobody waiting */
    uv_idle_t turn_now;  /* active while something is to be done later: the loop does not block */
    int wake_fd;
    struct heard_signal *signals;
    struct loop_later *later_first;
    struct loop_later **later_last;
    struct loop_later *running; /* those of this turn that have not run yet */
    void **garbage;             /* freed at the end of the turn */
    size_t garbage_count;
    size_t garbage_room;
    uint64_t turn;
    struct loop *next_ended;
};

/* Loops that have ended: a thread that was lost in a call may still post to one when it returns, so
 * its mailbox stays until the process is gone. */
static struct loop *ended;

static void wake_up(void *owner)
{
    const struct loop *loop = owner;
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(loop->wake_fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    /* EAGAIN: the counter is full, so the loop has a wake-up waiting: just as good. */
}

static bool letters_are_over(void *owner)
{
    const struct loop *loop = owner;
    return loop->runs && loop_monotonic_us() >= loop->letters_end_us;
}

static void collect_letters(void *owner)
{
    struct loop *loop = owner;
    loop->letters_end_us = loop_monotonic_us() + LETTERS_US;
    mailbox_collect(loop->box, letters_are_over);
    if (mailbox_has_left(loop->box)) {
        loop_later(loop, &loop->letters);
    }
}

static void woken(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = handle->data;
    uint64_t count;
    ssize_t got = read(loop->wake_fd, &count, sizeof count);
    (void)got; /* nothing there: somebody else emptied it, the letters are still taken */
    if (!loop->letters.waiting) { /* else at the end of this turn, behind those that are left */
        collect_letters(loop);
    }
}

static void nothing(uv_idle_t *handle)
{
    (void)handle;
}

static void end_turn(uv_check_t *handle)
{
    struct loop *loop = handle->data;
    loop->turn++;
    loop->running = loop->later_first; /* what these put off again is for the next turn */
    loop->later_first = NULL;
    loop->later_last = &loop->later_first;
    uv_idle_stop(&loop->turn_now);
    while (loop->running != NULL) {
        struct loop_later *later = loop->running;
        loop->running = later->next;
        later->waiting = false;
        later->run(later->owner);
    }
    for (size_t i = 0; i < loop->garbage_count; i++) {
        free(loop->garbage[i]);
    }
    loop->garbage_count = 0;
}

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof *loop);
    thread_mark_loop(true);
    loop->later_last = &loop->later_first;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0 || uv_loop_init(&loop->uv) != 0) {
        abort(); /* no descriptors at the start of the program: nothing can be done */
    }
    loop->box = mailbox_new(wake_up, loop);
    loop->letters = (struct loop_later){.run = collect_letters, .owner = loop};
    loop->timers = timers_new(&loop->uv);
    uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd);
    loop->wake.data = loop;
    uv_poll_start(&loop->wake, UV_READABLE, woken);
    uv_check_init(&loop->uv, &loop->turn_end);
    loop->turn_end.data = loop;
    uv_check_start(&loop->turn_end, end_turn);
    uv_unref((uv_handle_t *)&loop->turn_end);
    uv_idle_init(&loop->uv, &loop->turn_now);
    return loop;
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void loop_run(struct loop *loop)
{
    loop->runs = true;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->runs = false;
}

void loop_run_once(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_close_handle(uv_handle_t *handle, uv_close_cb closed)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, closed);
    }
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

bool loop_free(struct loop *loop)
{
    while (loop->signals != NULL) {
        struct heard_signal *heard = loop->signals;
        loop->signals = heard->next;
        loop_close_handle((uv_handle_t *)&heard->signal, free_handle);
    }
    collect_letters(loop);
    end_turn(&loop->turn_end);
    bool clean = timers_free(loop->timers);
    loop_close_handle((uv_handle_t *)&loop->wake, NULL);
    loop_close_handle((uv_handle_t *)&loop->turn_end, NULL);
    loop_close_handle((uv_handle_t *)&loop->turn_now, NULL);
    for (int turns = 0; turns < 100 && uv_run(&loop->uv, UV_RUN_NOWAIT) != 0; turns++) {
    }
    clean = uv_loop_close(&loop->uv) == 0 && clean;
    free(loop->garbage);
    loop->next_ended = ended;
    ended = loop;
    thread_mark_loop(false);
    return clean;
}

void loop_post(struct loop *loop, struct letter *letter)
{
    mailbox_post(loop->box, letter);
}

uint64_t loop_take_cost_us(struct loop *loop)
{
    return mailbox_take_cost_us(loop->box);
}

uint64_t loop_turn_number(const struct loop *loop)
{
    return loop->turn;
}

void loop_later(struct loop *loop, struct loop_later *later)
{
    assert(loop_is_current());
    if (later->waiting) {
        return;
    }
    later->waiting = true;
    later->next = NULL;
    *loop->later_last = later;
    loop->later_last = &later->next;
    uv_idle_start(&loop->turn_now, nothing);
}

void loop_later_cancel(struct loop *loop, struct loop_later *later)
{
    if (!later->waiting) {
        return;
    }
    later->waiting = false;
    for (struct loop_later **link = &loop->running; *link != NULL; link = &(*link)->next) {
        if (*link == later) {
            *link = later->next;
            return;
        }
    }
    struct loop_later **link = &loop->later_first;
    while (*link != NULL && *link != later) {
        link = &(*link)->next;
    }
    if (*link == later) {
        *link = later->next;
        if (later->next == NULL) {
            loop->later_last = link;
        }
    }
}

void loop_free_later(struct loop *loop, void *memory)
{
    assert(loop_is_current());
    if (loop->garbage_count == loop->garbage_room) {
        loop->garbage_room = loop->garbage_room == 0 ? 16 : loop->garbage_room * 2;
        loop->garbage = xrealloc(loop->garbage, loop->garbage_room * sizeof *loop->garbage);
    }
    loop->garbage[loop->garbage_count++] = memory;
    uv_idle_start(&loop->turn_now, nothing);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fired)(void *owner), void *owner)
{
    assert(loop_is_current());
    return timers_add(loop->timers, fired, owner);
}

static void signal_heard(uv_signal_t *handle, int number)
{
    struct heard_signal *heard = (struct heard_signal *)handle;
    heard->heard(heard->owner, number);
}

void loop_on_signal(struct loop *loop, int signal, void (*heard)(void *owner, int signal),
                    void *owner)
{
    struct heard_signal *entry = xcalloc(1, sizeof *entry);
    uv_signal_init(&loop->uv, &entry->signal);
    entry->heard = heard;
    entry->owner = owner;
    entry->next = loop->signals;
    loop->signals = entry;
    uv_signal_start(&entry->signal, signal_heard, signal);
    uv_unref((uv_handle_t *)&entry->signal);
}
