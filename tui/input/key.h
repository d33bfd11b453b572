/*
 * key: what the terminal sent, told apart from how it is encoded. decoder.c makes keys; a keymap
 * gives them meaning. "C-l", "PgDn", "F5", "<" are names of keys. No state.
 */
#ifndef TUI_INPUT_KEY_H
#define TUI_INPUT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters are their code points (control characters too); others lie beyond Unicode. */
enum key_code {
    KEY_CODE_TAB = 9,
    KEY_CODE_ENTER = 13,
    KEY_CODE_ESC = 27,
    KEY_CODE_SPACE = 32,
    KEY_CODE_BACKSPACE = 127,
    KEY_CODE_BEYOND = 0x110000,
    KEY_CODE_UP,
    KEY_CODE_DOWN,
    KEY_CODE_LEFT,
    KEY_CODE_RIGHT,
    KEY_CODE_PAGE_UP,
    KEY_CODE_PAGE_DOWN,
    KEY_CODE_HOME,
    KEY_CODE_END,
    KEY_CODE_DELETE,
    KEY_CODE_BACK_TAB,
    KEY_CODE_PASTE, /* text was pasted: whoever made the key has it */
    KEY_CODE_F0,    /* F1 is F0 + 1 */
    KEY_CODE_F12 = KEY_CODE_F0 + 12,
};

struct key {
    uint32_t code; /* 0: none */
};

/* The key so called; code 0 if there is none. */
struct key key_from_name(const char *name);

/* As a person would call it: "j", "C-l", "PgDn", "Enter". `size` 16 is enough for all. */
void key_print(struct key key, char *text, size_t size);

#endif
