/*
 * form: a key moves between fields, turns through a field's choices or edits its text. Texts are
 * the form's and stay when it is left; choices are borrowed for the call.
 */
#include "input/form.h"

#include "units.h"
#include "usual.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct form_label form_labels[FORM_FIELDS] = {
    [FORM_NAME] = {"Name", "what it is called"},
    [FORM_HOST] = {"Host", "the only one"},
    [FORM_VCPUS] = {"vCPUs", "how many"},
    [FORM_MEMORY] = {"Memory", "512M, 4G"},
    [FORM_DISK] = {"Disk", "none; 20G"},
    [FORM_IMAGE] = {"Disk from", "blank; an image of the library"},
    [FORM_ISO] = {"ISO", "none; one of the library"},
    [FORM_KERNEL] = {"Kernel", "none; one of the library"},
    [FORM_NETWORK] = {"Network", "the usual one; none: no NIC"},
    [FORM_START] = {"Start it", ""},
};

void form_open(struct form *form)
{
    static const char *const first[FORM_FIELDS] = {
        [FORM_VCPUS] = USUAL_VCPUS,
        [FORM_MEMORY] = USUAL_MEMORY,
        [FORM_DISK] = USUAL_DISK,
        [FORM_START] = "yes",
    };

    for (enum form_field field = 0; form->text[FORM_START][0] == '\0' && field < FORM_FIELDS;
         field++) {
        if (first[field] != NULL && field != FORM_START) {
            snprintf(form->text[field], FORM_BYTES, "%s", first[field]);
        }
    }
    if (form->text[FORM_START][0] == '\0') {
        snprintf(form->text[FORM_START], FORM_BYTES, "%s", first[FORM_START]);
    }
    form->open = true;
    form->at = FORM_NAME;
    form->wrong[0] = '\0';
    form->done[0] = '\0';
}

/* The choice after, or before, the one that stands there; nothing is one of them. */
static void form_choose(char text[FORM_BYTES], const struct lodge_strings *choices, int step)
{
    size_t count = choices->count + 1;
    size_t at = 0;

    for (size_t i = 0; i < choices->count; i++) {
        if (strcmp(choices->items[i], text) == 0) {
            at = i + 1;
        }
    }
    at = (at + count + (size_t)step) % count;
    snprintf(text, FORM_BYTES, "%s", at == 0 ? "" : choices->items[at - 1]);
}

static void turn(struct form *form, const struct form_choices *choices, int step)
{
    char *text = form->text[form->at];

    if (form->at == FORM_START) {
        snprintf(text, FORM_BYTES, "%s", strcmp(text, "yes") == 0 ? "no" : "yes");
    } else if (choices->of[form->at] != NULL) {
        form_choose(text, choices->of[form->at], step);
    }
}

static void form_rub_out(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && (text[--length] & 0xc0) == 0x80) {
    }
    text[length] = '\0';
}

/* Appends a character; false: it has no room. */
static bool append_character(char *text, uint32_t character)
{
    char bytes[UTF8_MAX];
    size_t size = utf8_encode(character, bytes);
    size_t length = strlen(text);

    if (length + size >= FORM_BYTES) {
        return false;
    }
    memcpy(text + length, bytes, size);
    text[length + size] = '\0';
    return true;
}

bool form_insert(struct form *form, const char *text)
{
    while (form->at != FORM_START && *text != '\0') {
        uint32_t character;
        size_t size = utf8_decode(text, &character);
        if (size == 0 || !append_character(form->text[form->at], character)) {
            return false;
        }
        text += size;
    }
    return *text == '\0';
}

static void type(struct form *form, struct key key, const struct form_choices *choices)
{
    if (form->at == FORM_START) {
        if (key.code == ' ') {
            turn(form, choices, 1);
        }
        return;
    }
    if (key.code >= ' ' && key.code < KEY_CODE_BEYOND) {
        (void)append_character(form->text[form->at], key.code);
    }
}

static void form_go(struct form *form, const struct form_choices *choices, int step)
{
    do {
        form->at = (enum form_field)((form->at + FORM_FIELDS + (unsigned)step) % FORM_FIELDS);
    } while (form->at == FORM_HOST && choices->of[FORM_HOST] == NULL);
}

enum form_result form_key(struct form *form, struct key key, const struct form_choices *choices)
{
    switch (key.code) {
    case KEY_CODE_ESC:
        return FORM_LEFT;
    case KEY_CODE_ENTER:
        return FORM_DONE;
    case KEY_CODE_TAB:
    case KEY_CODE_DOWN:
        form_go(form, choices, 1);
        break;
    case KEY_CODE_BACK_TAB:
    case KEY_CODE_UP:
        form_go(form, choices, -1);
        break;
    case KEY_CODE_LEFT:
        turn(form, choices, -1);
        break;
    case KEY_CODE_RIGHT:
        turn(form, choices, 1);
        break;
    case KEY_CODE_BACKSPACE:
        if (form->at != FORM_START) {
            form_rub_out(form->text[form->at]);
        }
        break;
    case 'u' - 'a' + 1:
        if (form->at != FORM_START) {
            form->text[form->at][0] = '\0';
        }
        break;
    default:
        type(form, key, choices);
    }
    return FORM_STAYS;
}

bool form_amounts(const struct form *form, struct lodge_amounts *ret_amounts,
                  enum form_field *ret_wrong)
{
    const char *disk = form->text[FORM_DISK];
    char *end = NULL;

    *ret_amounts = (struct lodge_amounts){.vms = 1};
    ret_amounts->vcpus = strtoll(form->text[FORM_VCPUS], &end, 10);
    if (ret_amounts->vcpus <= 0 || *end != '\0') {
        *ret_wrong = FORM_VCPUS;
        return false;
    }
    if (!size_from_text(form->text[FORM_MEMORY], &ret_amounts->memory_mib)) {
        *ret_wrong = FORM_MEMORY;
        return false;
    }
    if (disk[0] != '\0' && !disk_size_from_text(disk, &ret_amounts->disk_gib)) {
        *ret_wrong = FORM_DISK;
        return false;
    }
    return true;
}
