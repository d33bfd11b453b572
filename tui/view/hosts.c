/* hosts: one block per host: how it is and since when, how full, what it runs, what is wrong. */
#include "view/view.h"

#include "view/chart.h"
#include "view/figures.h"
#include "view/lines.h"

#include <math.h>
#include <stdio.h>

/* Lines of a block, with the blank one below it. */
#define BLOCK 4

static void draw_state(const struct model *model, const struct lodge_host *host,
                       struct canvas *canvas, struct area area)
{
    bool up = host->state == LODGE_HOST_UP;
    char text[256];

    canvas_name(canvas, (struct area){area.x + 2, area.y, 20, 1},
                STYLE_WITH(ROLE_PLAIN, STYLE_BOLD), host->name);
    int length = snprintf(text, sizeof text, "%s", lodge_host_state_name(host->state));
    if (host->since != 0) {
        snprintf(text + length, sizeof text - (size_t)length, " %s",
                 figure_age(model->now_ms - host->since).text);
    }
    canvas_text(canvas, (struct area){area.x + 23, area.y, area.width - 24, 1},
                STYLE(up ? ROLE_RUN : ROLE_ERROR), text);
}

static void draw_host_load(const struct model_host *entry, struct canvas *canvas, struct area area)
{
    const struct lodge_host *host = &entry->host;
    int bar = area.width >= 100 ? 22 : 12;
    double memory = host->memory_mib > 0 && host->stats.memory_used_mib >= 0
                        ? 100.0 * (double)host->stats.memory_used_mib / (double)host->memory_mib
                        : NAN;
    int x = area.x + 2;
    char text[64];

    x += canvas_text(canvas, (struct area){x, area.y, 5, 1}, STYLE(ROLE_DIM), "CPU ");
    chart_bar(canvas, (struct area){x, area.y, bar, 1}, STYLE(ROLE_RUN), host->stats.cpu_percent);
    x += bar + 1;
    snprintf(text, sizeof text, "%s%s of %lld", figure_percent(host->stats.cpu_percent).text,
             isnan(host->stats.cpu_percent) ? "" : "%", (long long)host->cpus);
    canvas_text(canvas, (struct area){x, area.y, 14, 1}, STYLE(ROLE_PLAIN),
                host->cpus < 0 ? "-" : text);
    x += 15;
    x += canvas_text(canvas, (struct area){x, area.y, 5, 1}, STYLE(ROLE_DIM), "RAM ");
    chart_bar(canvas, (struct area){x, area.y, bar, 1}, STYLE(ROLE_RUN), memory);
    x += bar + 1;
    canvas_text(canvas, (struct area){x, area.y, 14, 1}, STYLE(ROLE_PLAIN),
                figure_of_mib(host->stats.memory_used_mib, host->memory_mib).text);
    x += 13;
    canvas_format(canvas, (struct area){x, area.y, area.x + area.width - x, 1}, STYLE(ROLE_PLAIN),
                  "%zu VMs", entry->vms);
}

static void draw_host_facts(const struct lodge_host *host, struct canvas *canvas, struct area area)
{
    area.x += 2;
    area.width -= 2;
    canvas_format(canvas, area, STYLE(ROLE_DIM), "%s%s%s   %s",
                  host->hypervisor == NULL ? "" : host->hypervisor,
                  host->libvirt == NULL ? "" : "   libvirt ",
                  host->libvirt == NULL ? "" : host->libvirt, host->uri == NULL ? "" : host->uri);
}

/* The two lines below the name: load and facts, or why there are none. */
static void draw_body(const struct model_host *entry, struct canvas *canvas, struct area area)
{
    const struct lodge_host *host = &entry->host;

    if (host->state != LODGE_HOST_UP && host->error != NULL) {
        struct area why = {area.x + 2, area.y, area.width - 4, area.height};
        canvas_paragraph(canvas, why, STYLE(ROLE_ERROR), host->error);
        return;
    }
    draw_host_load(entry, canvas, (struct area){area.x, area.y, area.width, 1});
    draw_host_facts(host, canvas, (struct area){area.x, area.y + 1, area.width, 1});
}

void hosts_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                struct area area)
{
    int page = area.height / BLOCK;
    int cursor = (int)state->host_cursor;
    int top = page > 0 && cursor >= page ? cursor - page + 1 : 0;
    struct lines lines = {canvas, area, top * BLOCK, 0};

    if (model->host_count == 0) {
        blank_draw(model, state, canvas, area);
        return;
    }
    for (size_t i = 0; i < model->host_count; i++) {
        struct area block = lines_take(&lines, BLOCK - 1);
        struct area line = {block.x, block.y, block.width, 1};
        draw_state(model, &model->hosts[i].host, canvas, line);
        if (i == state->host_cursor) {
            canvas_text(canvas, line, STYLE(ROLE_PLAIN), ">");
            canvas_add_flags(canvas, line, STYLE_REVERSE);
        }
        draw_body(&model->hosts[i], canvas, (struct area){block.x, line.y + 1, block.width, 2});
        lines_take(&lines, 1);
    }
}

void hosts_move(const struct model *model, struct view_state *state, long by)
{
    long to = (long)state->host_cursor + by;

    (void)model;
    state->host_cursor = to < 0 ? 0 : (size_t)to; /* the other end is ui_refresh's */
}

/* Its guests. */
enum view_id hosts_open(const struct model *model, struct view_state *state)
{
    char filter[256];

    if (state->host_cursor >= model->host_count) {
        return vms_open(model, state);
    }
    snprintf(filter, sizeof filter, "host:%s", model->hosts[state->host_cursor].host.name);
    guest_list_set_filter(&state->list, filter);
    return VIEW_VMS;
}
