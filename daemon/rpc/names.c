/*
 * names: checks of texts that clients choose, each refusal with the name of its parameter; and
 * copies of lists. No state.
 */
#include "rpc/names.h"

#include "plain.h"

#include <stdlib.h>
#include <string.h>

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

static bool looks_like_uuid(const char *name)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (strlen(name) != sizeof shape - 1) {
        return false;
    }
    for (size_t i = 0; name[i] != '\0'; i++) {
        bool hex = strchr("0123456789abcdefABCDEF", name[i]) != NULL;
        if (shape[i] == 'x' ? !hex : name[i] != '-') {
            return false;
        }
    }
    return true;
}

bool name_is_fit(const char *name, const char *param, struct lodge_error *err)
{
    bool fit = is_letter_or_digit(name[0]) && strlen(name) <= NAME_MAX_BYTES;
    for (const char *byte = name; *byte != '\0' && fit; byte++) {
        fit = is_letter_or_digit(*byte) || strchr("._-", *byte) != NULL;
    }
    if (!fit) {
        return lodge_fail_param(err, param,
                                "'%s' must begin with a letter or digit and have only letters, "
                                "digits, '.', '_' and '-', at most %d",
                                param, NAME_MAX_BYTES);
    }
    return !looks_like_uuid(name) ||
           lodge_fail_param(err, param, "'%s' must not look like a uuid", param);
}

bool boot_is_fit(const struct lodge_strings *boot, struct lodge_error *err)
{
    for (size_t i = 0; i < boot->count; i++) {
        const char *word = boot->items[i];
        if (strcmp(word, "disk") != 0 && strcmp(word, "cdrom") != 0 &&
            strcmp(word, "network") != 0) {
            return lodge_fail_param(err, "boot", "'boot' may name disk, cdrom and network");
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(word, boot->items[j]) == 0) {
                return lodge_fail_param(err, "boot", "'boot' names %s twice", word);
            }
        }
    }
    return true;
}

bool plain_is_fit(const char *text, const char *param, struct lodge_error *err)
{
    return text == NULL || text_is_plain(text) ||
           lodge_fail_param(err, param, "'%s' must have no characters that are not seen", param);
}

bool tags_are_fit(const struct lodge_strings *tags, struct lodge_error *err)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (strlen(tags->items[i]) > TAG_MAX_BYTES || !text_is_word(tags->items[i])) {
            return lodge_fail_param(err, "tags",
                                    "each of 'tags' must be a word of at most %d bytes, all of it "
                                    "to be seen",
                                    TAG_MAX_BYTES);
        }
    }
    return true;
}

void strings_copy(struct lodge_strings *to, const struct lodge_strings *from)
{
    for (size_t i = 0; from->items != NULL && i < from->count; i++) {
        if (!lodge_strings_add(to, from->items[i])) {
            abort(); /* out of memory */
        }
    }
}
