/* quotas: limits and what counts against them, a bar each: the system's and one's own. */
#include "units.h"
#include "view/chart.h"
#include "view/lines.h"
#include "view/view.h"

#include <math.h>
#include <stdio.h>

enum { LABEL = 10, BAR_NARROW = 20, BAR_WIDE = 40, WARN_PERCENT = 80 };

static void pass(struct area *place, int cells)
{
    place->x += cells;
    place->width -= cells;
}

static void draw_one(struct lines *lines, const char *label, const char *unit, int64_t promised,
                     int64_t running, int64_t limit)
{
    struct area line = lines_take(lines, 1);
    int bar = line.width >= 100 ? BAR_WIDE : line.width >= 60 ? BAR_NARROW : 0;
    double percent = limit > 0 ? 100.0 * (double)promised / (double)limit : NAN;
    bool near = !isnan(percent) && percent >= WARN_PERCENT;
    char over[UNIT_TEXT];
    bool is_over = over_text(over, promised, limit, unit)[0] != '\0';
    enum style_role role = is_over ? ROLE_ERROR : near ? ROLE_WARN : ROLE_RUN;

    canvas_text(lines->canvas, (struct area){line.x + 2, line.y, LABEL, 1}, STYLE(ROLE_DIM), label);
    pass(&line, 2 + LABEL);
    if (limit < 0) {
        canvas_format(lines->canvas, line, STYLE(ROLE_PLAIN), "%lld, %lld running, no limit",
                      (long long)promised, (long long)running);
        return;
    }
    if (bar > 0) {
        chart_bar(lines->canvas, (struct area){line.x, line.y, bar, 1}, STYLE(role),
                  isnan(percent) ? 100 : percent);
        pass(&line, bar + 1);
    }
    if (is_over) {
        pass(&line, canvas_text(lines->canvas, line, STYLE(ROLE_ERROR), over));
        pass(&line, canvas_text(lines->canvas, line, STYLE(ROLE_PLAIN), ": "));
    }
    canvas_format(lines->canvas, line, STYLE(ROLE_PLAIN), "%lld of %lld%s, %lld running",
                  (long long)promised, (long long)limit, near && !is_over ? " (near)" : "",
                  (long long)running);
}

static void draw_scope(struct lines *lines, const char *title, const struct lodge_quota *quota)
{
    struct area line = lines_take(lines, 1);
    canvas_text(lines->canvas, line, STYLE_WITH(ROLE_PLAIN, STYLE_BOLD), title);
    draw_one(lines, "VMs", "VMs", quota->promised.vms, quota->running.vms, quota->limits.vms);
    draw_one(lines, "vCPUs", "vCPUs", quota->promised.vcpus, quota->running.vcpus,
             quota->limits.vcpus);
    draw_one(lines, "MiB", "MiB", quota->promised.memory_mib, quota->running.memory_mib,
             quota->limits.memory_mib);
    draw_one(lines, "disk GiB", "GiB", quota->promised.disk_gib, quota->running.disk_gib,
             quota->limits.disk_gib);
    lines_take(lines, 1);
}

void quotas_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                 struct area area)
{
    struct lines lines = {canvas, {area.x + 1, area.y, area.width - 2, area.height}, 0, 0};
    char title[128];

    if (!model->quota.known) {
        blank_draw(model, state, canvas, area);
        return;
    }
    snprintf(title, sizeof title, "You (%s)",
             model->server.user == NULL ? "-" : model->server.user);
    draw_scope(&lines, "The system", &model->quota.system);
    draw_scope(&lines, title, &model->quota.user);
}
