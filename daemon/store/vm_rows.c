/* vm_rows: the VMs that lodge manages. */
#include "store/database.h"

bool store_read_vms(struct store *store, store_vm_fn *each, void *data, struct lodge_error *err)
{
    if (!database_enter(store, err)) {
        return false;
    }
    AUTO(database_leave) struct store *entered = store;
    AUTO(statement_reset) sqlite3_stmt *list = statement_get(entered, VM_LIST);
    for (bool row = true;;) {
        if (!statement_step(store, list, &row, err)) {
            return lodge_fail_in(err, "reading the VMs");
        }
        if (!row) {
            break;
        }
        const struct vm_row vm = {
            .host = statement_text(list, 0),
            .uuid = statement_text(list, 1),
            .name = statement_text(list, 2),
            .owner = (uid_t)sqlite3_column_int64(list, 3),
        };
        each(data, &vm);
    }
    database_well(store);
    return true;
}
