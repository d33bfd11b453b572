/*
 * header: the answers at the top: is what I see live, is the host full, is anything broken, who am
 * I. Where it is narrow, what matters least goes first: the role, the user, the clock, the place.
 */
#include "view/view.h"

#include "scope.h"
#include "view/chart.h"
#include "view/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "live", or since when not, and when it is tried again. */
static void draw_link(const struct model *model, struct canvas *canvas, struct area *area)
{
    int64_t age = model->now_ms - model->link.since_ms;
    int64_t retry = model->link.retry_ms - model->now_ms;
    char text[80];

    if (model->link.state == LINK_LIVE) {
        canvas_append(canvas, area, STYLE(ROLE_RUN), "live");
        return;
    }
    int length = snprintf(text, sizeof text, "%s",
                          model->link.state == LINK_CONNECTING ? "no daemon" : "stale ");
    if (model->link.state == LINK_LOST) {
        length += snprintf(text + length, sizeof text - (size_t)length, "%s", figure_age(age).text);
    }
    if (retry > 0) {
        snprintf(text + length, sizeof text - (size_t)length, ", retry %s",
                 figure_age(retry + 999).text);
    }
    canvas_append(canvas, area, STYLE(ROLE_ERROR), text);
}

struct count {
    char letter;
    size_t number;
    enum style_role role;
};

static void draw_counts(const struct model *model, struct canvas *canvas, struct area *area,
                        bool narrow)
{
    const size_t *by_state = model->by_state;
    const struct count counts[] = {
        {'R', by_state[LODGE_VM_RUNNING], ROLE_RUN},
        {'P', by_state[LODGE_VM_PAUSED] + by_state[LODGE_VM_SUSPENDED], ROLE_PAUSED},
        {'S', by_state[LODGE_VM_SHUTOFF], ROLE_PLAIN},
        {'H', model->hung, ROLE_ERROR},
        {'!', by_state[LODGE_VM_CRASHED] + by_state[LODGE_VM_ERROR], ROLE_ERROR},
        {'?', model->stale, ROLE_WARN},
    };
    char text[40];

    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        if (narrow && counts[i].number == 0) {
            continue;
        }
        snprintf(text, sizeof text, narrow ? "%c%zu " : "%c %zu  ", counts[i].letter,
                 counts[i].number);
        canvas_append(canvas, area, STYLE(counts[i].number == 0 ? ROLE_DIM : counts[i].role), text);
    }
    snprintf(text, sizeof text, "of %zu", model->total);
    canvas_append(canvas, area, STYLE(ROLE_PLAIN), text);
}

/* The right end: "alice (admin)  12:31:07", as much of it as fits into `room`. */
static void draw_who(const struct model *model, struct canvas *canvas, struct area area, int room)
{
    const char *user = model->server.user;
    const char *role = model->server.role;
    struct figure clock = figure_clock(model->now_ms);
    char tries[3][160];

    snprintf(tries[0], sizeof tries[0], "%s (%s)  %s", user == NULL ? "" : user,
             role == NULL ? "" : role, clock.text);
    snprintf(tries[1], sizeof tries[1], "%s  %s", user == NULL ? "" : user, clock.text);
    snprintf(tries[2], sizeof tries[2], "%s", clock.text);
    for (size_t i = user == NULL ? 2 : role == NULL ? 1 : 0; i < ARRAY_LENGTH(tries); i++) {
        if (canvas_text_width(canvas, tries[i]) <= room) {
            canvas_text_right(canvas, area, STYLE(ROLE_PLAIN), tries[i]);
            return;
        }
    }
}

static void draw_first(const struct model *model, const struct view_state *state,
                       struct canvas *canvas, struct area area)
{
    struct area left = {area.x + 1, area.y, area.width - 2, 1};
    struct area whole = left;

    canvas_append(canvas, &left, STYLE(ROLE_ACCENT), "lodge");
    if (area.width >= 60) {
        if (model->server.name != NULL && strcmp(model->server.name, "lodged") != 0) {
            canvas_append(canvas, &left, STYLE(ROLE_PLAIN), " ");
            canvas_append(canvas, &left, STYLE(ROLE_PLAIN), model->server.name);
        }
        canvas_append(canvas, &left, STYLE(ROLE_DIM), " > ");
        canvas_append(canvas, &left, STYLE_WITH(ROLE_PLAIN, STYLE_BOLD), views[state->view].title);
    }
    canvas_append(canvas, &left, STYLE(ROLE_PLAIN), "  ");
    draw_link(model, canvas, &left);
    canvas_append(canvas, &left, STYLE(ROLE_PLAIN),
                  area.width >= 100  ? "        "
                  : area.width >= 60 ? "   "
                                     : "  ");
    if (model->total > 0 || model_is_complete(model)) { /* what is not counted is not 0 */
        draw_counts(model, canvas, &left, area.width < 76);
    }
    draw_who(model, canvas, whole, left.width - 2);
}

/* The hosts that are up, taken together. */
struct load {
    double cpu_percent; /* NAN: not known */
    int64_t memory_used_mib;
    int64_t memory_mib;
    size_t up;
    size_t unread;                   /* of those, whose guests have not all been read */
    const struct lodge_host *broken; /* the first that is not up */
    size_t not_up;
};

static struct load load_of(const struct model *model)
{
    struct load load = {.memory_used_mib = 0};
    double busy = 0;
    double cpus = 0;

    for (size_t i = 0; i < model->host_count; i++) {
        const struct lodge_host *host = &model->hosts[i].host;
        if (host->state != LODGE_HOST_UP) {
            load.not_up++;
            load.broken = load.broken == NULL ? host : load.broken;
            continue;
        }
        load.up++;
        load.unread += host->synced_at == 0;
        if (host->cpus > 0 && !isnan(host->stats.cpu_percent)) {
            busy += host->stats.cpu_percent * (double)host->cpus;
            cpus += (double)host->cpus;
        }
        if (host->memory_mib > 0 && host->stats.memory_used_mib >= 0) {
            load.memory_used_mib += host->stats.memory_used_mib;
            load.memory_mib += host->memory_mib;
        }
    }
    load.cpu_percent = cpus > 0 ? busy / cpus : NAN;
    return load;
}

static void draw_meter(struct canvas *canvas, struct area *area, int bar, const char *label,
                       double percent)
{
    struct area place = {area->x, area->y, bar, 1};

    canvas_append(canvas, area, STYLE(ROLE_DIM), label);
    place.x = area->x;
    chart_bar(canvas, place, STYLE(percent >= 90 ? ROLE_WARN : ROLE_RUN), percent);
    area->x += bar + 1;
    area->width -= bar + 1;
}

/* The host's name and state; of several, how many, and which one is not up. */
static void draw_hosts_state(const struct model *model, const struct load *load,
                             struct canvas *canvas, struct area *area)
{
    char text[160];

    if (model->host_count == 1) {
        const struct lodge_host *host = &model->hosts[0].host;
        canvas_append(canvas, area, STYLE(ROLE_PLAIN), host->name);
        snprintf(text, sizeof text, " %s", lodge_host_state_name(host->state));
        canvas_append(canvas, area, STYLE(load->not_up > 0 ? ROLE_ERROR : ROLE_RUN), text);
        if (load->unread > 0) {
            canvas_append(canvas, area, STYLE(ROLE_WARN), ", reading");
        }
    } else {
        snprintf(text, sizeof text, "%zu hosts up", load->up);
        canvas_append(canvas, area, STYLE(load->up > 0 ? ROLE_RUN : ROLE_DIM), text);
        if (load->unread > 0) {
            snprintf(text, sizeof text, ", reading %zu", load->unread);
            canvas_append(canvas, area, STYLE(ROLE_WARN), text);
        }
    }
    if (load->broken != NULL) {
        const struct lodge_host *host = load->broken;
        const char *state = lodge_host_state_name(host->state);
        int64_t age = host->since == 0 ? -1 : model->now_ms - host->since;
        if (model->host_count == 1) {
            snprintf(text, sizeof text, " %s", figure_age(age).text);
        } else {
            snprintf(text, sizeof text, ", %s %s %s", host->name, state, figure_age(age).text);
        }
        canvas_append(canvas, area, STYLE(ROLE_ERROR), text);
    }
    canvas_append(canvas, area, STYLE(ROLE_PLAIN), "   ");
}

static void draw_second(const struct model *model, struct canvas *canvas, struct area area)
{
    struct load load = load_of(model);
    int bar = area.width >= 160 ? 32 : area.width >= 100 ? 22 : area.width >= 70 ? 12 : 6;
    struct area left = {area.x + 1, area.y, area.width - 2, 1};
    char text[120] = "-";

    if (model->host_count == 0) {
        return;
    }
    draw_hosts_state(model, &load, canvas, &left);
    if (load.up == 0) {
        canvas_text(canvas, left, STYLE(ROLE_ERROR),
                    load.broken->error == NULL ? "" : load.broken->error);
        return;
    }
    draw_meter(canvas, &left, bar, "CPU ", load.cpu_percent);
    if (!isnan(load.cpu_percent)) {
        snprintf(text, sizeof text, "%.0f%%", load.cpu_percent);
    }
    canvas_append(canvas, &left, STYLE(ROLE_PLAIN), text);
    canvas_append(canvas, &left, STYLE(ROLE_PLAIN), "   ");
    double percent =
        load.memory_mib > 0 ? 100.0 * (double)load.memory_used_mib / (double)load.memory_mib : NAN;
    draw_meter(canvas, &left, bar, "RAM ", percent);
    canvas_append(canvas, &left, STYLE(ROLE_PLAIN),
                  load.memory_mib > 0 ? figure_of_mib(load.memory_used_mib, load.memory_mib).text
                                      : "-");
    if (model->host_count == 1 && model->hosts[0].host.hypervisor != NULL && area.width >= 100) {
        canvas_append(canvas, &left, STYLE(ROLE_DIM), "   ");
        canvas_append(canvas, &left, STYLE(ROLE_DIM), model->hosts[0].host.hypervisor);
    }
}

void header_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                 struct area area)
{
    draw_first(model, state, canvas, area);
    if (area.height > 1) {
        area.y++;
        draw_second(model, canvas, area);
        if (model->link.state != LINK_LIVE) {
            area.height = 1;
            canvas_add_flags(canvas, area, STYLE_DIM);
        }
    }
}
