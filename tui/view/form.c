/* form: the creation form, over whatever view is there. */
#include "view/view.h"
#include "view/whatif.h"

#include <stdio.h>
#include <string.h>

enum {
    WIDTH = 74,
    LABEL_WIDTH = 11,
    AROUND = 6
}; /* AROUND: title, blanks, what-if, why not, keys */

static void draw_field(const struct form *form, enum form_field field, struct canvas *canvas,
                       struct area line)
{
    bool here = form->at == field;
    const char *text = form->text[field];

    canvas_text(canvas, line, STYLE(here ? ROLE_ACCENT : ROLE_DIM), here ? ">" : " ");
    line.x += 2;
    line.width -= 2;
    canvas_text(canvas, line, STYLE(here ? ROLE_PLAIN : ROLE_DIM), form_labels[field].name);
    line.x += LABEL_WIDTH;
    line.width -= LABEL_WIDTH;
    int used = canvas_text(canvas, line, STYLE_WITH(ROLE_PLAIN, here ? STYLE_BOLD : 0), text);
    if (here) {
        canvas->cursor_x = line.x + (used < line.width ? used : line.width - 1);
        canvas->cursor_y = line.y;
    }
    if (text[0] == '\0') {
        line.x += here ? 2 : 0;
        line.width -= here ? 2 : 0;
        canvas_text(canvas, line, STYLE(ROLE_DIM), form_labels[field].empty);
    }
}

/* As many fields as there is room for, the one that is typed into among them. */
static void draw_fields(const struct model *model, const struct form *form, struct canvas *canvas,
                        struct area area)
{
    int first = (int)form->at < area.height ? 0 : (int)form->at - area.height + 1;
    int line = 0;

    for (int i = first; i < FORM_FIELDS && line < area.height; i++) {
        if (i == FORM_HOST && model->host_count < 2) {
            continue;
        }
        draw_field(form, (enum form_field)i, canvas,
                   (struct area){area.x, area.y + line++, area.width, 1});
    }
}

static void draw_what_if(const struct model *model, const struct form *form, struct canvas *canvas,
                         struct area line)
{
    struct lodge_amounts amounts;
    enum form_field wrong;
    char text[256];

    if (form_amounts(form, &amounts, &wrong)) {
        bool fits = whatif_text(model, &amounts, text, sizeof(text));
        canvas_text(canvas, line, STYLE(fits ? ROLE_DIM : ROLE_WARN), text);
    } else {
        canvas_format(canvas, line, STYLE(ROLE_WARN), "%s: %s", form_labels[wrong].name,
                      form_labels[wrong].empty);
    }
}

void form_draw(const struct model *model, const struct form *form, struct canvas *canvas)
{
    int width = canvas->width < WIDTH ? canvas->width : WIDTH;
    int most = FORM_FIELDS + AROUND;
    int height = canvas->height < most ? canvas->height : most;
    struct area box = {(canvas->width - width) / 2, (canvas->height - height) / 2, width, height};
    struct area line = {box.x + 2, box.y, box.width - 4, 1};

    canvas_fill(canvas, box, STYLE(ROLE_PLAIN), ' ');
    canvas_rule(canvas, box, STYLE(ROLE_DIM));
    canvas_text(canvas, line, STYLE(ROLE_ACCENT), " Create a guest ");
    draw_fields(model, form, canvas,
                (struct area){line.x, box.y + 1, line.width, height - AROUND + 1});
    line.y = box.y + height - 4;
    draw_what_if(model, form, canvas, line);
    line.y++;
    bool waits = form->waits[0] != '\0';
    canvas_text(canvas, line, STYLE(waits ? ROLE_DIM : ROLE_ERROR),
                waits ? "asked …" : form->wrong);
    line.y++;
    canvas_text(canvas, line, STYLE(ROLE_DIM),
                "Enter create   Tab next   Left/Right choose   Esc leave");
    box.y += height - 1;
    canvas_rule(canvas, box, STYLE(ROLE_DIM));
}
