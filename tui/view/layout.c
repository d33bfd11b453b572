/*
 * layout: where things stand for a size. What there is no room for goes in this order: details,
 * rules, the second header line, hints; the list and one line of status stay.
 */
#include "view/view.h"

#define WIDE 160        /* details beside the list */
#define MEDIUM 100      /* details below it */
#define ROOMY 140       /* and events beside them */
#define PATH_WIDTH 88   /* of details, where the path of a disk of ours stands in one line */
#define DETAIL_WIDTH 62 /* beside; its left rule and a blank are 2 of it */

/* Takes lines from the top or the bottom of what is left. */
static struct area take_top(struct area *left, int lines)
{
    struct area area = *left;

    area.height = lines > left->height ? left->height : lines;
    left->y += area.height;
    left->height -= area.height;
    return area;
}

static struct area take_bottom(struct area *left, int lines)
{
    struct area area = *left;

    area.height = lines > left->height ? left->height : lines;
    area.y = left->y + left->height - area.height;
    left->height -= area.height;
    return area;
}

static int header_lines(const struct view_state *state, int height)
{
    int most = height >= 16 ? 2 : height >= 8 ? 1 : 0;

    return state->header_lines < most ? state->header_lines : most;
}

static bool has_events_pane(int width, int height)
{
    return (width >= WIDE && height >= 30) || (width >= ROOMY && width < WIDE && height >= 28);
}

static void place_detail(struct layout *layout, int width, int height)
{
    if (width >= WIDE && height >= 24) {
        layout->detail = layout->body;
        layout->detail.width = DETAIL_WIDTH;
        layout->detail.x = layout->body.width - DETAIL_WIDTH;
        layout->body.width -= DETAIL_WIDTH;
        if (has_events_pane(width, height)) {
            layout->events = take_bottom(&layout->detail, layout->detail.height / 3);
            layout->events.x += 2;
            layout->events.width -= 2;
        }
    } else if (width >= MEDIUM && height >= 28) {
        int lines = height / 3;
        layout->detail = take_bottom(&layout->body, lines > 14 ? 14 : lines);
        if (has_events_pane(width, height)) {
            layout->events = layout->detail;
            layout->detail.width = PATH_WIDTH;
            layout->events.x = layout->detail.width;
            layout->events.width -= layout->detail.width;
        }
    }
}

struct layout layout_for(const struct view_state *state, int width, int height)
{
    struct layout layout = {.screen = {0, 0, width, height}};
    struct area left = layout.screen;

    layout.header = take_top(&left, header_lines(state, height));
    if (height >= 10 && state->view == VIEW_VMS) {
        layout.filter = take_top(&left, 1);
    }
    if (height >= 30 && width >= MEDIUM) {
        layout.views = take_bottom(&left, 1);
    }
    if (height >= 12) {
        layout.hints = take_bottom(&left, 1);
    }
    if (height >= 6) {
        layout.message = take_bottom(&left, 1);
    }
    bool shows_list = state->view == VIEW_VMS && !state->zoomed;
    if (height >= 20 && shows_list && !has_events_pane(width, height)) {
        layout.ticker = take_bottom(&left, 1);
    }
    if (height >= 20) {
        layout.rule = take_bottom(&left, 1);
    }
    layout.body = left;
    if (shows_list) {
        place_detail(&layout, width, height);
    }
    return layout;
}

size_t layout_page(const struct layout *layout)
{
    int rows = layout->body.height - (layout->body.height >= 4 ? 1 : 0);

    return rows < 0 ? 0 : (size_t)rows;
}
