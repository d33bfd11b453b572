/* prompt: editing a line of UTF-8, as readline taught everybody. */
#include "input/prompt.h"

#include "memory.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CTRL(letter) ((uint32_t)((letter) - 'a' + 1))

void prompt_set(struct prompt *prompt, const char *text)
{
    snprintf(prompt->text, sizeof prompt->text, "%s", text);
    prompt->length = strlen(prompt->text);
    prompt->cursor = prompt->length;
}

void prompt_open(struct prompt *prompt, enum prompt_kind kind, const char *text)
{
    prompt->kind = kind;
    prompt->recalled = 0;
    prompt_set(prompt, text);
}

void prompt_close(struct prompt *prompt)
{
    prompt->kind = PROMPT_NONE;
}

void prompt_done(struct prompt *prompt)
{
    for (size_t kind = 0; kind < PROMPT_KINDS; kind++) {
        for (size_t i = 0; i < prompt->history[kind].count; i++) {
            free(prompt->history[kind].lines[i]);
        }
        prompt->history[kind].count = 0;
    }
}

static void remember(struct prompt *prompt)
{
    char **lines = prompt->history[prompt->kind].lines;
    size_t *count = &prompt->history[prompt->kind].count;

    if (prompt->length == 0 || (*count > 0 && strcmp(lines[*count - 1], prompt->text) == 0)) {
        return;
    }
    if (*count == PROMPT_HISTORY) {
        free(lines[0]);
        memmove(&lines[0], &lines[1], (PROMPT_HISTORY - 1) * sizeof lines[0]);
        (*count)--;
    }
    lines[(*count)++] = xstrdup(prompt->text);
}

/* Shows the line that was typed `recalled` lines ago. */
static enum prompt_result recall(struct prompt *prompt, int step)
{
    size_t count = prompt->history[prompt->kind].count;
    size_t to = prompt->recalled + (size_t)step;

    if ((step < 0 && prompt->recalled == 0) || to > count) {
        return PROMPT_MOVED;
    }
    prompt->recalled = to;
    prompt_set(prompt, to == 0 ? "" : prompt->history[prompt->kind].lines[count - to]);
    return PROMPT_CHANGED;
}

static void erase(struct prompt *prompt, size_t from, size_t to)
{
    memmove(prompt->text + from, prompt->text + to, prompt->length - to + 1);
    prompt->length -= to - from;
    prompt->cursor = from;
}

/* The start of the character before `at`, the end of the one after it. */
static size_t before_cursor(const struct prompt *prompt, size_t at)
{
    while (at > 0 && (prompt->text[--at] & 0xc0) == 0x80) {
    }
    return at;
}

static size_t after_cursor(const struct prompt *prompt, size_t at)
{
    while (at < prompt->length && (prompt->text[++at] & 0xc0) == 0x80) {
    }
    return at;
}

static size_t word_before(const struct prompt *prompt)
{
    size_t at = prompt->cursor;

    while (at > 0 && prompt->text[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && prompt->text[at - 1] != ' ') {
        at--;
    }
    return at;
}

static enum prompt_result insert(struct prompt *prompt, uint32_t character)
{
    char bytes[UTF8_MAX];
    size_t size = utf8_encode(character, bytes);

    if (prompt->length + size >= sizeof prompt->text) {
        return PROMPT_MOVED;
    }
    memmove(prompt->text + prompt->cursor + size, prompt->text + prompt->cursor,
            prompt->length - prompt->cursor + 1);
    memcpy(prompt->text + prompt->cursor, bytes, size);
    prompt->length += size;
    prompt->cursor += size;
    return PROMPT_CHANGED;
}

bool prompt_insert(struct prompt *prompt, const char *text)
{
    while (*text != '\0') {
        uint32_t character;
        size_t size = utf8_decode(text, &character);
        if (size == 0 || insert(prompt, character) != PROMPT_CHANGED) {
            return false;
        }
        text += size;
    }
    return true;
}

bool prompt_is_question(const struct prompt *prompt)
{
    return prompt->kind == PROMPT_YES || prompt->kind == PROMPT_NAME ||
           prompt->kind == PROMPT_SCREEN;
}

static enum prompt_result move_to(struct prompt *prompt, size_t at)
{
    prompt->cursor = at;
    return PROMPT_MOVED;
}

static enum prompt_result prompt_rub_out(struct prompt *prompt, size_t from)
{
    if (prompt->length == 0) { /* one too many, and the letters that follow would be commands */
        return prompt->kind == PROMPT_NAME ? PROMPT_MOVED : PROMPT_LEFT;
    }
    erase(prompt, from, prompt->cursor);
    return PROMPT_CHANGED;
}

enum prompt_result prompt_key(struct prompt *prompt, struct key key)
{
    switch (key.code) {
    case KEY_CODE_ENTER:
        remember(prompt);
        return PROMPT_DONE;
    case KEY_CODE_ESC:
        return PROMPT_LEFT;
    case KEY_CODE_TAB:
        return PROMPT_COMPLETE;
    case KEY_CODE_BACKSPACE:
        return prompt_rub_out(prompt, before_cursor(prompt, prompt->cursor));
    case CTRL('w'):
        return prompt_rub_out(prompt, word_before(prompt));
    case CTRL('u'):
        erase(prompt, 0, prompt->cursor);
        return PROMPT_CHANGED;
    case CTRL('k'):
        prompt->text[prompt->cursor] = '\0';
        prompt->length = prompt->cursor;
        return PROMPT_CHANGED;
    case KEY_CODE_DELETE:
    case CTRL('d'):
        erase(prompt, prompt->cursor, after_cursor(prompt, prompt->cursor));
        return PROMPT_CHANGED;
    case KEY_CODE_LEFT:
        return move_to(prompt, before_cursor(prompt, prompt->cursor));
    case KEY_CODE_RIGHT:
        return move_to(prompt, after_cursor(prompt, prompt->cursor));
    case KEY_CODE_HOME:
    case CTRL('a'):
        return move_to(prompt, 0);
    case KEY_CODE_END:
    case CTRL('e'):
        return move_to(prompt, prompt->length);
    case KEY_CODE_UP:
    case CTRL('p'):
        return recall(prompt, 1);
    case KEY_CODE_DOWN:
    case CTRL('n'):
        return recall(prompt, -1);
    default:
        return key.code >= ' ' && key.code < KEY_CODE_BEYOND ? insert(prompt, key.code)
                                                             : PROMPT_IGNORED;
    }
}
