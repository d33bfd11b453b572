/*
 * details: the guest under the cursor, beside the list or over the whole screen. What is wrong
 * comes first. Facts of the list are there at once; what only vm.get tells (disks, nics, boot)
 * follows when it has answered.
 */
#include "view/view.h"

#include "contract/contract.h"
#include "scope.h"
#include "view/chart.h"
#include "view/columns.h"
#include "view/figures.h"
#include "view/lines.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INDENT 10

/* "what, what": a list on one line. */
static void join_texts(const struct lodge_strings *list, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < list->count && length < size; i++) {
        length += (size_t)snprintf(text + length, size - length, "%s%s", i == 0 ? "" : ", ",
                                   list->items[i]);
    }
}

/* What its next boot gets otherwise. */
static void draw_next_boot(struct lines *lines, const struct lodge_vm *vm)
{
    char text[256] = "";

    for (size_t i = 0, length = 0; i < vm->pending.count && length < sizeof text; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i == 0 ? "" : ", ",
                                   lodge_vm_waiting_words(vm->pending.items[i]));
    }
    if (vm->pending.count > 0) {
        lines_paragraph(lines, INDENT, "next boot", STYLE(ROLE_ACCENT), text);
    }
}

static void draw_vm_status(struct lines *lines, const struct model *model,
                           const struct model_row *row)
{
    char status[160];
    char text[256];
    enum style_role role;
    char letter = vm_letter(model, row, &role);

    vm_status(model, row, status, sizeof status);
    if (row->vm.since != 0 && letter != '?' && letter != 'H') {
        snprintf(text, sizeof text, "%c  %s for %s", letter, status,
                 figure_age(model->now_ms - row->vm.since).text);
    } else {
        snprintf(text, sizeof text, "%c  %s", letter, status);
    }
    lines_paragraph(lines, INDENT, "state", STYLE(role), text);
    const struct model_host *host = model_find_host(model, row->vm.host);
    if (row->vm.stale != 0 && host != NULL && host->host.error != NULL) {
        lines_paragraph(lines, INDENT, "why", STYLE(ROLE_ERROR), host->host.error);
    }
}

static bool has_values(const double values[HISTORY_SECONDS])
{
    for (size_t i = 0; i < HISTORY_SECONDS; i++) {
        if (!isnan(values[i])) {
            return true;
        }
    }
    return false;
}

static void draw_graph(struct lines *lines, const struct model *model,
                       const struct history *history, const char *label, const char *text)
{
    double values[HISTORY_SECONDS];
    struct series series = {.values = values, .count = HISTORY_SECONDS};
    series.newest = history_values(history, model->now_ms, values);
    int room = lines->area.height >= 30 ? 4 : lines->area.height >= 16 ? 2 : 1;
    struct area area = lines_take(lines, has_values(values) ? room : 1);
    int width = area.width - INDENT - 1;

    canvas_text(lines->canvas, area, STYLE(ROLE_DIM), label);
    area.x += INDENT;
    canvas_text(lines->canvas, (struct area){area.x, area.y, 16, 1}, STYLE(ROLE_PLAIN), text);
    area.x += 17;
    area.width = width - 17 < HISTORY_SECONDS / 2 ? width - 17 : HISTORY_SECONDS / 2;
    chart_graph(lines->canvas, area, STYLE(ROLE_RUN), &series);
}

static void draw_vm_load(struct lines *lines, const struct model *model,
                         const struct model_row *row)
{
    const struct lodge_vm *vm = &row->vm;
    bool told = vm->stats.memory_used_mib >= 0;
    int64_t used = told ? vm->stats.memory_used_mib : vm->stats.memory_rss_mib;
    char text[64];

    bool loaded = vm->state == LODGE_VM_RUNNING && !isnan(vm->stats.cpu_percent);
    snprintf(text, sizeof text, "%s%s of %lld",
             loaded ? figure_percent(vm->stats.cpu_percent).text : "-", loaded ? "%" : "",
             (long long)vm->vcpus);
    draw_graph(lines, model, &row->cpu, "CPU 60s", vm->vcpus < 0 ? "-" : text);
    bool is_held = !told && used >= 0 && vm->state != LODGE_VM_SHUTOFF; /* by QEMU, of the host */
    snprintf(text, sizeof text, "%s%s", is_held ? "~" : "",
             is_held ? figure_mib(used).text
                     : figure_of_mib(vm->state == LODGE_VM_SHUTOFF ? LODGE_UNKNOWN : used,
                                     vm->memory_mib)
                           .text);
    draw_graph(lines, model, &row->memory, "MEM 60s", text);
}

static void draw_vm_facts(struct lines *lines, const struct model_row *row)
{
    const struct lodge_vm *vm = &row->vm;
    char text[512];

    lines_fact(lines, INDENT, "uuid", STYLE(ROLE_PLAIN), vm->uuid);
    snprintf(text, sizeof text, "%s%s%s%s", vm->host, vm->owner == NULL ? "" : ", owner ",
             vm->owner == NULL ? "" : vm->owner, vm->managed ? "" : ", not made by lodge");
    lines_fact(lines, INDENT, "host", STYLE(ROLE_PLAIN), text);
    if (vm->tags.count > 0) {
        join_texts(&vm->tags, text, sizeof text);
        lines_paragraph(lines, INDENT, "tags", STYLE(ROLE_PLAIN), text);
    }
    if (vm->ips.count > 0) {
        join_texts(&vm->ips, text, sizeof text);
        lines_paragraph(lines, INDENT, "address", STYLE(ROLE_PLAIN), text);
    }
}

static const char *or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

static void draw_disks(struct lines *lines, const struct lodge_vm *vm)
{
    char text[1024];

    for (size_t i = 0; i < vm->disks.count; i++) {
        const struct lodge_disk *disk = &vm->disks.items[i];
        char size[32] = "";
        if (disk->size_gib >= 0) {
            snprintf(size, sizeof size, " %lldG", (long long)disk->size_gib);
        }
        snprintf(text, sizeof text, "%s%s%s%s%s%s %s", or_dash(disk->target), size,
                 disk->format == NULL ? "" : " ", disk->format == NULL ? "" : disk->format,
                 disk->device == NULL ? "" : " ", disk->device == NULL ? "" : disk->device,
                 disk->path == NULL ? "(empty)" : disk->path);
        lines_paragraph(lines, INDENT, i == 0 ? "disks" : "", STYLE(ROLE_PLAIN), text);
    }
    if (vm->disks.count == 0) {
        lines_fact(lines, INDENT, "disks", STYLE(ROLE_DIM), "none");
    }
}

static void draw_nics(struct lines *lines, const struct lodge_vm *vm)
{
    char text[512];

    for (size_t i = 0; i < vm->nics.count; i++) {
        const struct lodge_nic *nic = &vm->nics.items[i];
        snprintf(text, sizeof text, "%s %s %s", or_dash(nic->mac), or_dash(nic->network),
                 or_dash(nic->model));
        lines_paragraph(lines, INDENT, i == 0 ? "nics" : "", STYLE(ROLE_PLAIN), text);
    }
    if (vm->nics.count == 0) {
        lines_fact(lines, INDENT, "nics", STYLE(ROLE_DIM), "none");
    }
}

static const char *flag_word(enum lodge_flag flag)
{
    return flag == LODGE_FLAG_YES ? "yes" : flag == LODGE_FLAG_NO ? "no" : "-";
}

/* What only vm.get tells, if it has told it about this guest. */
static void draw_told(struct lines *lines, const struct model *model, const struct model_row *row)
{
    const struct lodge_vm *vm = &model->detail;
    char boot[128];
    char text[256];

    if (model->detail_error[0] != '\0') {
        lines_paragraph(lines, INDENT, "details", STYLE(ROLE_ERROR), model->detail_error);
        return;
    }
    if (strcmp(vm->uuid, row->vm.uuid) != 0 || vm->host == NULL ||
        strcmp(vm->host, row->vm.host) != 0) {
        lines_fact(lines, INDENT, "disks", STYLE(ROLE_DIM), "...");
        return;
    }
    draw_disks(lines, vm);
    draw_nics(lines, vm);
    join_texts(&vm->boot, boot, sizeof boot);
    snprintf(text, sizeof text, "%s   graphics %s   autostart %s", boot[0] == '\0' ? "-" : boot,
             or_dash(vm->graphics), flag_word(vm->autostart));
    lines_paragraph(lines, INDENT, "boot", STYLE(ROLE_PLAIN), text);
}

/* Who looks at its screen, one line each. */
static void draw_vm_viewers(struct lines *lines, const struct model *model,
                            const struct model_row *row)
{
    bool first = true;
    char text[160];

    for (size_t i = 0; i < model->session_count; i++) {
        const struct lodge_session *session = &model->sessions[i];
        if (session->state != LODGE_SESSION_OPEN || strcmp(session->uuid, row->vm.uuid) != 0 ||
            session->host == NULL || strcmp(session->host, row->vm.host) != 0) {
            continue;
        }
        snprintf(text, sizeof text, "%s %s%s", or_dash(session->user),
                 figure_age(model->now_ms - session->started_at).text,
                 session->mode == LODGE_SESSION_RO ? " (looks only)" : "");
        lines_fact(lines, INDENT, first ? "screen" : "", STYLE(ROLE_PLAIN), text);
        first = false;
    }
}

static void draw_details(struct lines *lines, const struct model *model,
                         const struct view_state *state)
{
    const struct model_row *row = guest_list_selected(&state->list);

    if (row == NULL) {
        canvas_text(lines->canvas, lines_take(lines, 1), STYLE(ROLE_DIM), "no guest is selected");
        return;
    }
    if (state->view == VIEW_DETAILS) {
        lines_fact(lines, INDENT, "name", STYLE_WITH(ROLE_PLAIN, STYLE_BOLD), row->vm.name);
    }
    draw_vm_status(lines, model, row);
    draw_next_boot(lines, &row->vm);
    draw_vm_load(lines, model, row);
    draw_vm_facts(lines, row);
    draw_vm_viewers(lines, model, row);
    draw_told(lines, model, row);
}

void details_draw(const struct model *model, const struct view_state *state, struct canvas *canvas,
                  struct area area)
{
    struct lines lines = {canvas, area, 0, 0};

    if (state->view == VIEW_DETAILS) {
        lines.area.x++;
        lines.area.width -= 2;
        lines.scroll = state->scroll;
    }
    draw_details(&lines, model, state);
}

int details_lines(const struct model *model, const struct view_state *state, struct area area)
{
    struct canvas nowhere = {.glyphs = GLYPHS_ASCII};
    struct lines lines = {&nowhere, {0, 0, area.width - 2, area.height}, 0, 0};

    draw_details(&lines, model, state);
    return lines.line;
}
