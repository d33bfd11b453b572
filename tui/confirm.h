/* confirm: the question that stands before what is asked for, and what it is answered with. One
 * thread. */
#ifndef TUI_CONFIRM_H
#define TUI_CONFIRM_H

#include "ask.h"

/* The question of ui->ask is opened: keys that are on their way are no answers. Bits of enum act.
 */
unsigned confirm_open(struct ui *ui);

/* What vm.get told of one of its guests, NULL: it could not tell. Whether that changes a question
 * that stands. */
bool confirm_take_disks(struct ui *ui, unsigned number, size_t index, const struct lodge_vm *vm);

/* What it was answered with: a key, or a word. Bits of enum act. */
unsigned confirm_answered(struct ui *ui, struct key key);
unsigned confirm_named(struct ui *ui, const char *name);

#endif
