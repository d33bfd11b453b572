/* form: the creation form, over whatever view is there. */
#include "view/quota_hint.h"
#include "view/view.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 74, LABEL_WIDTH = 11 };

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
    struct style style = STYLE_WITH(ROLE_PLAIN, here ? STYLE_BOLD : 0);
    if (here) {
        canvas_input(canvas, line, style, text, strlen(text));
    } else {
        canvas_name(canvas, line, style, text);
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

/* What the quotas would say, or which field cannot be read. */
static enum style_role hint_for_form(const struct model *model, const struct form *form, char *text,
                                     size_t size)
{
    struct lodge_amounts amounts;
    enum form_field wrong;

    if (form_amounts(form, &amounts, &wrong)) {
        return quota_hint_text(model, &amounts, text, size) ? ROLE_DIM : ROLE_WARN;
    }
    snprintf(text, size, "%s: %s", form_labels[wrong].name, form_labels[wrong].empty);
    return ROLE_WARN;
}

/* How it stands: asked, done, or why not. */
static enum style_role how_it_stands(const struct form *form, char *text, size_t size)
{
    if (form->waits != 0) {
        snprintf(text, size, "create %s: asked …", form->asked);
        return ROLE_DIM;
    }
    if (form->wrong[0] != '\0') {
        snprintf(text, size, "%s", form->wrong);
        return ROLE_ERROR;
    }
    snprintf(text, size, "%s%s", form->done,
             form->done[0] == '\0' ? "" : ". Esc leaves; a name makes another");
    return ROLE_PLAIN;
}

static int clamp(int lines, int most)
{
    return lines < 1 ? 1 : lines > most ? most : lines;
}

void form_draw(const struct model *model, const struct form *form, struct canvas *canvas)
{
    enum { FRAME = 3, QUOTA_HINT = 2, STANDS = 6 }; /* rules and keys; lines at most */
    char weighed[256];
    char stands[sizeof form->wrong + 64];
    enum style_role weight = hint_for_form(model, form, weighed, sizeof weighed);
    enum style_role role = how_it_stands(form, stands, sizeof stands);
    int width = canvas->width < WIDTH ? canvas->width : WIDTH;
    int weighs = clamp(canvas_paragraph_lines(canvas, width - 4, weighed), QUOTA_HINT);
    int says = clamp(canvas_paragraph_lines(canvas, width - 4, stands), STANDS);
    int most = FORM_FIELDS + FRAME + 1 + weighs + says;
    int height = canvas->height < most ? canvas->height : most;
    struct area box = {(canvas->width - width) / 2, (canvas->height - height) / 2, width, height};
    struct area line = {box.x + 2, box.y, box.width - 4, 1};
    int fields = height - FRAME - weighs - says;

    canvas_fill(canvas, box, STYLE(ROLE_PLAIN), ' ');
    canvas_rule(canvas, box, STYLE(ROLE_DIM));
    canvas_text(canvas, line, STYLE(ROLE_ACCENT), " Create a guest ");
    draw_fields(model, form, canvas,
                (struct area){line.x, box.y + 1, line.width, fields < 1 ? 1 : fields});
    line.y = box.y + height - 2 - weighs - says;
    canvas_paragraph(canvas, (struct area){line.x, line.y, line.width, weighs}, STYLE(weight),
                     weighed);
    line.y += weighs;
    canvas_paragraph(canvas, (struct area){line.x, line.y, line.width, says}, STYLE(role), stands);
    line.y += says;
    canvas_text(canvas, line, STYLE(ROLE_DIM),
                "Enter create   Tab next   Left/Right choose   Esc leave");
    box.y += height - 1;
    canvas_rule(canvas, box, STYLE(ROLE_DIM));
}
