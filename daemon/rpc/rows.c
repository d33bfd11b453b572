/* rows: the array is written row by row, and what was written is freed with its row. */
#include "rpc/rows.h"

#include "lodge/vm.h"

enum { ROWS_PER_LOOK = 8 }; /* how often the time is looked at */

struct buffer *row_begin(struct row_page *page)
{
    buffer_add_text(&page->result, page->written++ == 0 ? "" : ",");
    return &page->result;
}

static bool rows_more(struct call_work *work, struct call *call)
{
    struct row_page *page = (struct row_page *)work;
    for (size_t looks = 0; page->next < page->count; looks++) {
        if (looks > 0 && looks % ROWS_PER_LOOK == 0 && call_is_tired(call)) {
            return false;
        }
        page->kind->write(page, call, page->next++);
    }
    buffer_add_char(&page->result, ']');
    if (page->cursor != LODGE_UNKNOWN) {
        buffer_add_text(&page->result, ",\"cursor\":");
        buffer_add_json_int(&page->result, page->cursor);
    }
    buffer_add_char(&page->result, '}');
    call_reply(call, &page->result);
    return true;
}

static void rows_free(struct call_work *work)
{
    struct row_page *page = (struct row_page *)work;
    buffer_free(&page->result);
    page->kind->free(page, page->next);
}

void rows_reply(struct call *call, struct row_page *page)
{
    page->work = (struct call_work){.step = rows_more, .free = rows_free};
    buffer_add_format(&page->result, "{\"%s\":[", page->kind->name);
    call_work(call, &page->work);
}
