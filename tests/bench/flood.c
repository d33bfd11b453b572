/*
 * flood: many connections of the user it runs as, each doing the worst it can.
 *
 * `flood SOCKET SECONDS CONNECTIONS FILE [WINDOW [HANG_UP [deaf]]]` sends the lines of FILE again
 * and again on each connection, as fast as they are taken, with at most WINDOW unanswered (256),
 * and prints one line of JSON: what was sent, answered, notified, connected, and errors by code.
 *
 * Each connection begins elsewhere in FILE. A line that begins with + is sent once on each
 * connection, and answered, before the others; one that begins with - is half a line: it is sent
 * without its end, and nothing after it. In a line, ###### becomes a number that no other line has,
 * and
 * @@@@@@ the subscription that the connection was given last. Requests without an id are not
 * waited for. HANG_UP > 0: after so many lines a client hangs up, without reading, and comes anew.
 * `deaf`: answers are not read. Who is hung up on comes anew. One thread, epoll; SIGTERM ends it.
 */
#include "line_client.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>

enum {
    LINES_MAX = 16384,
    CLIENTS_MAX = 512,
    CODES_MAX = 64,
    HEAD_BYTES = 512, /* of an answer, that are looked at */
    SEND_BYTES = 65536,
    NUMBER_DIGITS = 6,
};

struct line {
    char *text; /* with its newline, unless it is half */
    size_t length;
    bool is_first;
    bool is_half;
    bool is_answered;
    bool has_number;
    bool has_subscription;
};

struct client {
    int fd; /* -1: none */
    size_t next;
    unsigned long begun; /* lines since it connected */
    unsigned long unanswered;
    size_t firsts; /* sent of those that go first */
    bool stuck;    /* half a line is out */
    char *out;
    size_t out_size;
    size_t out_length;
    size_t out_sent;
    char head[HEAD_BYTES + 1];
    size_t head_length;
    long long subscription;
    unsigned events;
};

static struct {
    const char *path;
    int epoll;
    unsigned long window;
    unsigned long hang_up;
    bool deaf;
    struct line lines[LINES_MAX];
    size_t line_count;
    struct line firsts[LINES_MAX];
    size_t first_count;
    struct client clients[CLIENTS_MAX];
    size_t client_count;
    unsigned long number;
    unsigned long sent, answered, notified, connects, gone, refused;
    struct {
        long code;
        unsigned long count;
    } codes[CODES_MAX];
} flood;

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

/* Lines */

static void add_line(const char *text, size_t length)
{
    bool is_first = length > 0 && text[0] == '+';
    bool is_half = length > 0 && text[0] == '-';
    size_t skipped = is_first || is_half;
    struct line *line =
        is_first ? &flood.firsts[flood.first_count] : &flood.lines[flood.line_count];
    size_t *count = is_first ? &flood.first_count : &flood.line_count;
    if (length == 0 || *count == LINES_MAX) {
        return;
    }
    (*count)++;
    line->text = strndup(text + skipped, length - skipped - is_half);
    line->length = length - skipped - is_half;
    line->is_first = is_first;
    line->is_half = is_half;
    line->has_number = strstr(line->text, "######") != NULL;
    line->has_subscription = strstr(line->text, "@@@@@@") != NULL;
    line->is_answered =
        strstr(line->text, "\"id\"") != NULL || strstr(line->text, "\"method\"") == NULL;
}

static bool read_lines(const char *path)
{
    FILE *file = fopen(path, "re");
    AUTO(free) char *text = NULL;
    size_t size = 0;
    ssize_t length;
    while (file != NULL && (length = getline(&text, &size, file)) > 0) {
        add_line(text, (size_t)length);
    }
    if (file != NULL) {
        fclose(file);
    }
    return flood.line_count > 0;
}

/* A number in place of each `mark` in it, filled up with `filler`: JSON's numbers begin with no 0.
 */
static void fill_in(char *text, size_t length, const char *mark, char filler, unsigned long number)
{
    char digits[NUMBER_DIGITS];
    for (int i = NUMBER_DIGITS - 1; i >= 0; i--, number /= 10) {
        bool is_digit = number > 0 || i == NUMBER_DIGITS - 1;
        digits[i] = is_digit ? (char)('0' + number % 10) : filler;
    }
    char *end = text + length;
    char *at = text;
    while ((at = memmem(at, (size_t)(end - at), mark, NUMBER_DIGITS)) != NULL) {
        memcpy(at, digits, NUMBER_DIGITS);
        at += NUMBER_DIGITS;
    }
}

/* Sending */

static void put_line(struct client *client, const struct line *line)
{
    if (client->out_length + line->length > client->out_size) {
        client->out_size = client->out_length + line->length + SEND_BYTES;
        client->out = realloc(client->out, client->out_size);
        if (client->out == NULL) {
            abort(); /* nothing is left to flood with */
        }
    }
    char *text = client->out + client->out_length;
    memcpy(text, line->text, line->length);
    if (line->has_number) {
        fill_in(text, line->length, "######", '0', ++flood.number);
    }
    if (line->has_subscription) {
        fill_in(text, line->length, "@@@@@@", ' ', (unsigned long)client->subscription);
    }
    client->out_length += line->length;
    client->unanswered += line->is_answered;
    client->stuck = line->is_half;
    client->begun++;
    flood.sent++;
}

static bool may_send(const struct client *client)
{
    return !client->stuck && client->out_length < SEND_BYTES &&
           (flood.deaf || client->unanswered < flood.window) &&
           (flood.hang_up == 0 || client->begun < flood.hang_up);
}

static void fill(struct client *client)
{
    while (client->firsts < flood.first_count && may_send(client)) {
        put_line(client, &flood.firsts[client->firsts++]);
    }
    if (client->begun <= flood.first_count && client->unanswered > 0 && flood.first_count > 0) {
        return; /* those that go first are answered first */
    }
    while (may_send(client)) {
        put_line(client, &flood.lines[client->next]);
        client->next = (client->next + 1) % flood.line_count;
    }
}

static void hang_up(struct client *client)
{
    close(client->fd); /* which takes it out of epoll */
    client->fd = -1;
}

/* Sends what is taken; false when the client is gone. */
static bool give(struct client *client)
{
    for (;;) {
        fill(client);
        if (client->out_sent == client->out_length) {
            break;
        }
        ssize_t sent = send(client->fd, client->out + client->out_sent,
                            client->out_length - client->out_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN;
        }
        client->out_sent += (size_t)sent;
        if (client->out_sent == client->out_length) {
            client->out_sent = client->out_length = 0;
        }
    }
    return flood.hang_up == 0 || client->begun < flood.hang_up;
}

/* Answers */

static void count_code(long code)
{
    for (size_t i = 0; i < CODES_MAX; i++) {
        if (flood.codes[i].count == 0 || flood.codes[i].code == code) {
            flood.codes[i].code = code;
            flood.codes[i].count++;
            return;
        }
    }
}

static void take_line(struct client *client)
{
    static const char event[] = "{\"jsonrpc\":\"2.0\",\"method\":";
    client->head[client->head_length] = '\0';
    if (strncmp(client->head, event, sizeof(event) - 1) == 0) {
        flood.notified++;
        return;
    }
    flood.answered++;
    client->unanswered -= client->unanswered > 0;
    const char *error = strstr(client->head, "\"error\":{\"code\":");
    if (error != NULL) {
        count_code(strtol(error + strlen("\"error\":{\"code\":"), NULL, 10));
    }
    const char *subscription = strstr(client->head, "\"subscription\":");
    if (subscription != NULL) {
        client->subscription = strtoll(subscription + strlen("\"subscription\":"), NULL, 10);
    }
}

static void look_at(struct client *client, const char *data, size_t size)
{
    while (size > 0) {
        const char *end = memchr(data, '\n', size);
        size_t length = end == NULL ? size : (size_t)(end - data);
        size_t room = HEAD_BYTES - client->head_length;
        memcpy(client->head + client->head_length, data, length < room ? length : room);
        client->head_length += length < room ? length : room;
        if (end == NULL) {
            return;
        }
        take_line(client);
        client->head_length = 0;
        data += length + 1;
        size -= length + 1;
    }
}

/* Reads what is there, once; false when the other end is gone. */
static bool hear(struct client *client)
{
    static char buffer[1 << 18];
    ssize_t got = recv(client->fd, buffer, sizeof(buffer), 0);
    if (got > 0) {
        look_at(client, buffer, (size_t)got);
    }
    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* Clients */

static bool come(struct client *client)
{
    client->fd = connect_to(flood.path, SOCK_NONBLOCK);
    if (client->fd < 0) {
        flood.refused++;
        return false;
    }
    flood.connects++;
    client->begun = client->unanswered = 0;
    client->firsts = 0;
    client->stuck = false;
    client->out_length = client->out_sent = client->head_length = 0;
    client->events = EPOLLOUT | (flood.deaf ? 0 : EPOLLIN);
    struct epoll_event event = {.events = client->events, .data.ptr = client};
    return epoll_ctl(flood.epoll, EPOLL_CTL_ADD, client->fd, &event) == 0;
}

static void turn(struct client *client, unsigned events)
{
    bool lives = (events & (EPOLLERR | EPOLLHUP)) == 0 || (events & EPOLLIN) != 0;
    if (lives && (events & EPOLLIN) != 0) {
        lives = hear(client);
    }
    lives = lives && give(client);
    if (!lives) {
        flood.gone += flood.hang_up == 0;
        hang_up(client);
        return;
    }
    unsigned wanted =
        (client->out_length > client->out_sent ? EPOLLOUT : 0) | (flood.deaf ? 0 : EPOLLIN);
    if (wanted != client->events) {
        struct epoll_event event = {.events = wanted, .data.ptr = client};
        client->events = wanted;
        (void)epoll_ctl(flood.epoll, EPOLL_CTL_MOD, client->fd, &event);
    }
}

static void run(long long end)
{
    struct epoll_event events[CLIENTS_MAX];
    while (!ended && now_ns() < end) {
        bool all = true;
        for (size_t i = 0; i < flood.client_count; i++) {
            all &= flood.clients[i].fd >= 0 || come(&flood.clients[i]);
        }
        int count = epoll_wait(flood.epoll, events, CLIENTS_MAX, all ? 100 : 1);
        for (int i = 0; i < count; i++) {
            turn(events[i].data.ptr, events[i].events);
        }
    }
}

static void print_counts(void)
{
    printf(
        "{\"sent\": %lu, \"answered\": %lu, \"notified\": %lu, \"connects\": %lu, \"gone\": %lu, "
        "\"refused\": %lu, \"errors\": {",
        flood.sent, flood.answered, flood.notified, flood.connects, flood.gone, flood.refused);
    for (size_t i = 0; i < CODES_MAX && flood.codes[i].count > 0; i++) {
        printf("%s\"%ld\": %lu", i == 0 ? "" : ", ", flood.codes[i].code, flood.codes[i].count);
    }
    printf("}}\n");
}

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 8) {
        fprintf(stderr, "usage: flood SOCKET SECONDS CONNECTIONS FILE [WINDOW [HANG_UP [deaf]]]\n");
        return 2;
    }
    flood.path = argv[1];
    flood.client_count = strtoul(argv[3], NULL, 10);
    flood.window = argc > 5 ? strtoul(argv[5], NULL, 10) : 256;
    flood.hang_up = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
    flood.deaf = argc > 7;
    flood.epoll = epoll_create1(EPOLL_CLOEXEC);
    signal(SIGTERM, on_signal);
    if (flood.epoll < 0 || flood.client_count > CLIENTS_MAX || !read_lines(argv[4])) {
        perror("flood");
        return 1;
    }
    for (size_t i = 0; i < flood.client_count; i++) {
        flood.clients[i].fd = -1;
        flood.clients[i].next = i * flood.line_count / flood.client_count;
    }
    run(now_ns() + strtoll(argv[2], NULL, 10) * 1000000000LL);
    print_counts();
    return 0;
}
