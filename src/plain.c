/*
 * plain: one table of what is not seen (controls, what has no width, what turns a line round), and
 * the questions that are asked of it. Characters come from UTF-8 that is looked at here as well.
 */
#include "plain.h"

#include "scope.h"
#include "utf8.h"

struct range {
    uint32_t first, last;
};

static bool is_in_range(const struct range *ranges, size_t count, uint32_t character)
{
    for (size_t i = 0; i < count; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Unicode's category Cf without the signs that stand before numbers, its line ends, fillers that
 * have no ink, and the noncharacters. */
bool character_is_hidden(uint32_t character)
{
    static const struct range ranges[] = {
        {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x034f, 0x034f},
        {0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
        {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
        {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
        {0xfff0, 0xfffb},   {0x13430, 0x1345f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
        {0xe0000, 0xe0fff},
    };
    bool is_no_character = (character & 0xfffe) == 0xfffe; /* the last two of each plane */
    return is_no_character || is_in_range(ranges, ARRAY_LENGTH(ranges), character);
}

/* One that is seen as nothing but room. */
static bool character_is_blank(uint32_t character)
{
    static const struct range ranges[] = {
        {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
        {0x202f, 0x202f}, {0x205f, 0x205f}, {0x2800, 0x2800}, {0x3000, 0x3000},
    };
    return is_in_range(ranges, ARRAY_LENGTH(ranges), character);
}

bool text_is_plain(const char *text)
{
    uint32_t character = 0;
    for (size_t length; *text != '\0'; text += length) {
        length = utf8_decode(text, &character);
        if (length == 0 || character_is_hidden(character)) {
            return false;
        }
    }
    return true;
}

bool text_is_word(const char *text)
{
    uint32_t character = 0;
    bool is_word = *text != '\0';
    for (size_t length; is_word && *text != '\0'; text += length) {
        length = utf8_decode(text, &character);
        is_word = length > 0 && character != ',' && !character_is_hidden(character) &&
                  !character_is_blank(character);
    }
    return is_word;
}

void buffer_add_visible(struct buffer *buffer, const char *text)
{
    for (size_t length; *text != '\0'; text += length) {
        uint32_t character = 0;
        length = utf8_decode(text, &character);
        if (length == 0) {
            buffer_add_format(buffer, "\\x%02x", (unsigned char)*text);
            length = 1;
        } else if (*text == '\n') {
            buffer_add_text(buffer, "\\n");
        } else if (!character_is_hidden(character)) {
            buffer_add(buffer, text, length);
        } else {
            buffer_add_format(buffer,
                              character < 0xa0      ? "\\x%02x"
                              : character < 0x10000 ? "\\u%04x"
                                                    : "\\U%08x",
                              (unsigned)character);
        }
    }
}

static void add_json_escape(struct buffer *buffer, uint32_t character)
{
    if (character < 0x10000) {
        buffer_add_format(buffer, "\\u%04x", (unsigned)character);
        return;
    }
    uint32_t rest = character - 0x10000;
    buffer_add_format(buffer, "\\u%04x\\u%04x", (unsigned)(0xd800 + (rest >> 10)),
                      (unsigned)(0xdc00 + (rest & 0x3ff)));
}

static void add_xml_escape(struct buffer *buffer, uint32_t character)
{
    buffer_add_format(buffer, "&#%u;", (unsigned)character);
}

/* Bytes that are no UTF-8 are nobody's character. */
static void add_safe(struct buffer *buffer, const char *text,
                     void (*escape)(struct buffer *buffer, uint32_t character))
{
    enum { REPLACEMENT = 0xfffd };
    const char *plain = text; /* where what stays as it is began */
    while (*text != '\0') {
        uint32_t character = 0;
        size_t length = utf8_decode(text, &character);
        bool stays = length > 0 && (character < ' ' || !character_is_hidden(character));
        if (!stays) {
            buffer_add(buffer, plain, (size_t)(text - plain));
            escape(buffer, length == 0 ? REPLACEMENT : character);
            plain = text + (length == 0 ? 1 : length);
        }
        text += length == 0 ? 1 : length;
    }
    buffer_add(buffer, plain, (size_t)(text - plain));
}

void buffer_add_safe_json(struct buffer *buffer, const char *json)
{
    add_safe(buffer, json, add_json_escape);
}

void buffer_add_safe_xml(struct buffer *buffer, const char *xml)
{
    add_safe(buffer, xml, add_xml_escape);
}
