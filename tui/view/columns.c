/* columns: cells of the guest list, and the table that holds them. */
#include "view/columns.h"

#include "scope.h"
#include "view/chart.h"
#include "view/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

char vm_letter(const struct model *model, const struct model_row *row, enum style_role *ret_role)
{
    static const struct {
        char letter;
        enum style_role role;
    } letters[LODGE_VM_STATES] = {
        [LODGE_VM_UNKNOWN] = {'?', ROLE_DIM},   [LODGE_VM_RUNNING] = {'R', ROLE_RUN},
        [LODGE_VM_PAUSED] = {'P', ROLE_PAUSED}, [LODGE_VM_SHUTOFF] = {'S', ROLE_OFF},
        [LODGE_VM_CRASHED] = {'!', ROLE_ERROR}, [LODGE_VM_SUSPENDED] = {'Z', ROLE_PAUSED},
        [LODGE_VM_CREATING] = {'C', ROLE_BUSY}, [LODGE_VM_DELETING] = {'D', ROLE_BUSY},
        [LODGE_VM_ERROR] = {'!', ROLE_ERROR},
    };

    if (row->gone_ms != 0) {
        *ret_role = ROLE_DIM;
        return 'x';
    }
    if (row->vm.stale != 0 || row->told != model->telling) {
        *ret_role = ROLE_DIM;
        return '?';
    }
    if (row->vm.unresponsive != 0) {
        *ret_role = ROLE_ERROR;
        return 'H';
    }
    *ret_role = letters[row->vm.state].role;
    return letters[row->vm.state].letter;
}

void vm_status(const struct model *model, const struct model_row *row, char *text, size_t size)
{
    const struct lodge_vm *vm = &row->vm;
    const char *state = lodge_vm_state_name(vm->state);

    if (row->gone_ms != 0) {
        snprintf(text, size, "gone");
    } else if (vm->stale != 0) {
        snprintf(text, size, "stale %s, was %s", figure_age(model->now_ms - vm->stale).text, state);
    } else if (row->told != model->telling) {
        snprintf(text, size, "not read yet, was %s", state);
    } else if (vm->unresponsive != 0) {
        snprintf(text, size, "hung %s: no answer",
                 figure_age(model->now_ms - vm->unresponsive).text);
    } else if (vm->reason != NULL && strcmp(vm->reason, "unknown") != 0) {
        snprintf(text, size, "%s (%s)", state, vm->reason);
    } else {
        snprintf(text, size, "%s", state);
    }
}

static void draw_name(const struct model *model, const struct model_row *row, struct canvas *canvas,
                      struct area area)
{
    (void)model;
    bool stopped = row->vm.state == LODGE_VM_SHUTOFF;
    canvas_name(canvas, area, STYLE(stopped ? ROLE_OFF : ROLE_PLAIN), row->vm.name);
}

static void draw_host(const struct model *model, const struct model_row *row, struct canvas *canvas,
                      struct area area)
{
    (void)model;
    canvas_name(canvas, area, STYLE(ROLE_PLAIN), row->vm.host);
}

static void draw_owner(const struct model *model, const struct model_row *row,
                       struct canvas *canvas, struct area area)
{
    (void)model;
    canvas_name(canvas, area, STYLE(ROLE_PLAIN), row->vm.owner == NULL ? "-" : row->vm.owner);
}

static double viewers_number(const struct model_row *row)
{
    return row->vm.viewers > 0 ? (double)row->vm.viewers : NAN;
}

static bool somebody_looks(const struct model *model)
{
    return model->session_count > 0;
}

static void draw_viewers(const struct model *model, const struct model_row *row,
                         struct canvas *canvas, struct area area)
{
    char text[24] = "";

    (void)model;
    if (row->vm.viewers > 0) {
        snprintf(text, sizeof text, "%lld", (long long)row->vm.viewers);
    }
    canvas_text_right(canvas, area, STYLE(ROLE_ACCENT), text);
}

static void draw_vcpus(const struct model *model, const struct model_row *row,
                       struct canvas *canvas, struct area area)
{
    char text[24] = "-";

    (void)model;
    if (row->vm.vcpus >= 0) {
        snprintf(text, sizeof text, "%lld", (long long)row->vm.vcpus);
    }
    canvas_text_right(canvas, area, STYLE(ROLE_PLAIN), text);
}

/* The load of a guest that does not run is not 0, there is none. */
static double cpu_number(const struct model_row *row)
{
    return row->vm.state == LODGE_VM_RUNNING ? row->vm.stats.cpu_percent : NAN;
}

static enum style_role load_role(double percent)
{
    return percent >= 90 ? ROLE_WARN : ROLE_PLAIN;
}

static void draw_cpu(const struct model *model, const struct model_row *row, struct canvas *canvas,
                     struct area area)
{
    double percent = cpu_number(row);

    (void)model;
    canvas_text_right(canvas, area, STYLE(isnan(percent) ? ROLE_DIM : load_role(percent)),
                      figure_percent(percent).text);
}

static void draw_history(const struct model *model, const struct history *history,
                         struct canvas *canvas, struct area area)
{
    double values[HISTORY_SECONDS];
    struct series series = {.values = values, .count = HISTORY_SECONDS};

    series.newest = history_values(history, model->now_ms, values);
    chart_sparkline(canvas, area, STYLE(ROLE_RUN), &series);
}

static void draw_cpu_spark(const struct model *model, const struct model_row *row,
                           struct canvas *canvas, struct area area)
{
    draw_history(model, &row->cpu, canvas, area);
}

static void draw_memory_spark(const struct model *model, const struct model_row *row,
                              struct canvas *canvas, struct area area)
{
    draw_history(model, &row->memory, canvas, area);
}

/* What the guest uses of what it was given, if its balloon tells; else what QEMU holds of the host,
 * marked `~`: that is no part of what the guest was given, and may be more. */
static void draw_memory(const struct model *model, const struct model_row *row,
                        struct canvas *canvas, struct area area)
{
    const struct lodge_vm *vm = &row->vm;
    const struct lodge_vm_stats *stats = &vm->stats;
    bool told = stats->memory_used_mib >= 0;
    int64_t used = told ? stats->memory_used_mib : stats->memory_rss_mib;
    char text[40];

    (void)model;
    if (vm->state == LODGE_VM_SHUTOFF || used < 0) {
        snprintf(text, sizeof text, "%s", figure_of_mib(LODGE_UNKNOWN, vm->memory_mib).text);
    } else {
        snprintf(text, sizeof text, "%s%s", told ? "" : "~",
                 told ? figure_of_mib(used, vm->memory_mib).text : figure_mib(used).text);
    }
    canvas_text_right(canvas, area, STYLE(ROLE_PLAIN), text);
}

static double memory_number(const struct model_row *row)
{
    const struct lodge_vm_stats *stats = &row->vm.stats;
    int64_t used = stats->memory_used_mib >= 0 ? stats->memory_used_mib : stats->memory_rss_mib;

    return row->vm.state == LODGE_VM_SHUTOFF || used < 0 ? NAN : (double)used;
}

static double vcpus_number(const struct model_row *row)
{
    return row->vm.vcpus < 0 ? NAN : (double)row->vm.vcpus;
}

static double since_number(const struct model_row *row)
{
    return row->vm.since == 0 ? NAN : -(double)row->vm.since;
}

/* How long it has been as it is; sick rows say since when they are sick. */
static void draw_since(const struct model *model, const struct model_row *row,
                       struct canvas *canvas, struct area area)
{
    const struct lodge_vm *vm = &row->vm;
    bool broken = vm->state == LODGE_VM_CRASHED || vm->state == LODGE_VM_ERROR;
    int64_t since = vm->stale != 0 ? vm->stale : vm->unresponsive != 0 ? vm->unresponsive : 0;
    bool sick = since != 0 || broken;

    since = since == 0 ? vm->since : since;
    canvas_text_right(canvas, area, STYLE(sick ? ROLE_WARN : ROLE_PLAIN),
                      figure_age(since == 0 ? -1 : model->now_ms - since).text);
}

static void draw_status(const struct model *model, const struct model_row *row,
                        struct canvas *canvas, struct area area)
{
    char text[160];
    enum style_role role;
    char letter = vm_letter(model, row, &role);

    vm_status(model, row, text, sizeof text);
    canvas_text(canvas, area, STYLE(letter == 'R' ? ROLE_DIM : role), text);
}

static double status_number(const struct model_row *row)
{
    static const int order[LODGE_VM_STATES] = {
        [LODGE_VM_CRASHED] = 0,   [LODGE_VM_ERROR] = 1,   [LODGE_VM_CREATING] = 3,
        [LODGE_VM_DELETING] = 3,  [LODGE_VM_RUNNING] = 4, [LODGE_VM_PAUSED] = 5,
        [LODGE_VM_SUSPENDED] = 6, [LODGE_VM_SHUTOFF] = 7, [LODGE_VM_UNKNOWN] = 8,
    };

    return row->vm.unresponsive != 0 || row->vm.stale != 0 ? 2 : order[row->vm.state];
}

static void draw_tags(const struct model *model, const struct model_row *row, struct canvas *canvas,
                      struct area area)
{
    (void)model;
    for (size_t i = 0; i < row->vm.tags.count; i++) {
        int used = canvas_format(canvas, area, STYLE(ROLE_DIM), "%s%s", i == 0 ? "" : ",",
                                 row->vm.tags.items[i]);
        area.x += used;
        area.width -= used;
    }
}

static const char *name_text(const struct model_row *row)
{
    return row->vm.name;
}

static const char *host_text(const struct model_row *row)
{
    return row->vm.host;
}

static const char *owner_text(const struct model_row *row)
{
    return row->vm.owner;
}

static bool owners_differ(const struct model *model)
{
    return model->owners > 1;
}

static bool tags_exist(const struct model *model)
{
    return model->tagged > 0;
}

const struct column *column_find(const char *name)
{
    for (size_t i = 0; i < column_count; i++) {
        if (strcasecmp(columns[i].name, name) == 0) {
            return &columns[i];
        }
    }
    return NULL;
}

const struct column *column_neighbour(const struct column *column, int step)
{
    size_t at = (size_t)(column - columns);

    do {
        at = (at + column_count + (size_t)step) % column_count;
    } while (columns[at].number == NULL && columns[at].text == NULL);
    return &columns[at];
}

/* What the columns up to a priority need, a blank before each. */
static int width_of(const struct model *model, int priority)
{
    int width = 0;

    for (size_t i = 0; i < column_count; i++) {
        if (columns[i].priority <= priority &&
            (columns[i].wanted == NULL || columns[i].wanted(model))) {
            width += columns[i].width + 1;
        }
    }
    return width;
}

/* Gives what is left of the width to columns that grow, names first. */
static void spread(struct placed_column *placed, size_t count, int left)
{
    for (size_t i = 0; i < count && left > 0; i++) {
        int more = placed[i].column->max_width - placed[i].width;
        more = more < 0 ? 0 : more > left ? left : more;
        placed[i].width += more;
        left -= more;
    }
}

size_t columns_place(const struct model *model, int width,
                     struct placed_column ret_placed[COLUMNS_MAX])
{
    int highest = 0;
    size_t count = 0;

    for (size_t i = 0; i < column_count; i++) {
        highest = columns[i].priority > highest ? columns[i].priority : highest;
    }
    while (highest > 0 && width_of(model, highest) > width) {
        highest--;
    }
    for (size_t i = 0; i < column_count && count < COLUMNS_MAX; i++) {
        if (columns[i].priority <= highest &&
            (columns[i].wanted == NULL || columns[i].wanted(model))) {
            ret_placed[count++] =
                (struct placed_column){.column = &columns[i], .width = columns[i].width};
        }
    }
    spread(ret_placed, count, width - width_of(model, highest));
    int x = 0;
    for (size_t i = 0; i < count; i++) {
        ret_placed[i].x = x;
        x += ret_placed[i].width + 1;
    }
    return count;
}

const struct column columns[] = {
    {
        .name = "name",
        .title = "NAME",
        .help = "its name; a long one loses its middle",
        .width = 12,
        .max_width = 28,
        .draw = draw_name,
        .text = name_text,
    },
    {
        .name = "host",
        .title = "HOST",
        .help = "the host it is on",
        .width = 7,
        .max_width = 12,
        .priority = 3,
        .draw = draw_host,
        .text = host_text,
    },
    {
        .name = "owner",
        .title = "OWNER",
        .help = "whose it is; shown when there are several owners",
        .width = 7,
        .max_width = 10,
        .priority = 5,
        .wanted = owners_differ,
        .draw = draw_owner,
        .text = owner_text,
    },
    {
        .name = "vcpus",
        .title = "vCPU",
        .help = "its virtual CPUs",
        .width = 4,
        .priority = 3,
        .right = true,
        .descending = true,
        .draw = draw_vcpus,
        .number = vcpus_number,
    },
    {
        .name = "cpu",
        .title = "CPU%",
        .help = "load of its own vCPUs: 100 is all of them busy",
        .width = 5,
        .priority = 1,
        .right = true,
        .descending = true,
        .draw = draw_cpu,
        .number = cpu_number,
    },
    {
        .name = "cpu_spark",
        .title = "CPU 60s",
        .help = "its load over the last minute",
        .width = 10,
        .priority = 2,
        .draw = draw_cpu_spark,
    },
    {
        .name = "mem",
        .title = "MEM",
        .help = "memory used and given; ~: what QEMU holds, as the guest does not tell",
        .width = 11,
        .priority = 2,
        .right = true,
        .descending = true,
        .draw = draw_memory,
        .number = memory_number,
    },
    {
        .name = "mem_spark",
        .title = "MEM 60s",
        .help = "its memory over the last minute",
        .width = 10,
        .priority = 8,
        .draw = draw_memory_spark,
    },
    {
        .name = "since",
        .title = "SINCE",
        .help = "for how long it has been in its state, hung, or stale",
        .width = 5,
        .priority = 4,
        .right = true,
        .descending = false,
        .draw = draw_since,
        .number = since_number,
    },
    {
        .name = "vnc",
        .title = "V",
        .help = "how many look at its screen; shown when somebody does",
        .width = 2,
        .priority = 5,
        .right = true,
        .descending = true,
        .wanted = somebody_looks,
        .draw = draw_viewers,
        .number = viewers_number,
    },
    {
        .name = "status",
        .title = "STATUS",
        .help = "how it is, why, and what is wrong",
        .width = 22,
        .max_width = 34,
        .priority = 6,
        .draw = draw_status,
        .number = status_number,
    },
    {
        .name = "tags",
        .title = "TAGS",
        .help = "its tags; shown when there are any",
        .width = 12,
        .max_width = 24,
        .priority = 9,
        .wanted = tags_exist,
        .draw = draw_tags,
    },
};
const size_t column_count = ARRAY_LENGTH(columns);
