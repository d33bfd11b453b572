/* seen: what a TUI without a terminal shows, and a guest with three disks, two of them ours. */
#ifndef TESTS_SUPPORT_SEEN_H
#define TESTS_SUPPORT_SEEN_H

#include "memory.h"
#include "scope.h"
#include "support/joined.h"
#include "support/ui_world.h"

#include <stdlib.h>

/* What the TUI shows now, of so many cells. */
static inline char *picture(int width, int height)
{
    struct canvas canvas;

    canvas_init(&canvas, width, height, GLYPHS_ASCII);
    (void)ui_resize(&ui, width, height);
    ui_refresh(&ui);
    view_draw(&ui.model, &ui.state, &canvas);
    char *text = canvas_to_text(&canvas);
    canvas_done(&canvas);
    return text;
}

static inline void expect_seen(int width, int height, const char *text)
{
    AUTO(free) char *seen = picture(width, height);

    join_lines(seen);
    if (strstr(seen, text) == NULL) {
        print_error("'%s' is not seen:\n%s", text, seen);
    }
    assert_non_null(strstr(seen, text));
}

static inline struct lodge_vm detail_of(int number, int64_t rev)
{
    struct lodge_vm vm;

    lodge_vm_init(&vm);
    fleet_uuid(number, vm.uuid);
    vm.host = xstrdup("h1");
    vm.rev = rev;
    vm.disks.count = 3;
    vm.disks.items = xcalloc(3, sizeof(struct lodge_disk));
    vm.disks.items[0] = (struct lodge_disk){.size_gib = 10, .ours = LODGE_FLAG_YES};
    vm.disks.items[1] = (struct lodge_disk){.size_gib = 20, .ours = LODGE_FLAG_YES};
    vm.disks.items[2] = (struct lodge_disk){.size_gib = 99, .ours = LODGE_FLAG_NO};
    return vm;
}

#endif
