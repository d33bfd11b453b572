/*
 * log_record: a record is one block of memory, its texts behind it, so that whoever has it last can
 * free it.
 */
#include "log_record.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

const char *const log_level_names[LOG_LEVEL_DEBUG + 1] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

const char *const log_folder_names[LOG_FOLDERS] = {
    [LOG_MAIN] = "main", [LOG_LOOP] = "loop",       [LOG_STORE] = "store",
    [LOG_HOST] = "host", [LOG_LIBVIRT] = "libvirt", [LOG_REGISTRY] = "registry",
    [LOG_OPS] = "ops",   [LOG_RPC] = "rpc",         [LOG_CONSOLE] = "console",
};

static size_t text_size_of(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

/* Copies `text` to *place and moves *place behind it. */
static const char *put_field(char **place, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = text_size_of(text);
    const char *copy = memcpy(*place, text, size);
    *place += size;
    return copy;
}

struct log_record *log_record_new(enum log_level level, enum log_folder folder,
                                  const struct log_fields *fields, const char *source,
                                  const char *message)
{
    static const struct log_fields none;
    if (fields == NULL) {
        fields = &none;
    }
    size_t size = text_size_of(message) + text_size_of(fields->host) + text_size_of(fields->vm) +
                  text_size_of(fields->user);
    struct log_record *record = xmalloc(sizeof *record + size);
    char *place = record->text;
    clock_gettime(CLOCK_REALTIME, &record->at);
    record->level = level;
    record->folder = folder;
    record->source = source;
    record->message = put_field(&place, message);
    record->fields.host = put_field(&place, fields->host);
    record->fields.vm = put_field(&place, fields->vm);
    record->fields.user = put_field(&place, fields->user);
    record->fields.op = fields->op;
    return record;
}

void log_record_free(struct log_record *record)
{
    free(record);
}
