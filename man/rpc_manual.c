/* rpc_manual: prints the tables of lodge-rpc.7 from the rows that dispatch, as scdoc. */
#include "contract/contract.h"
#include "rpc/method.h"

#include <stdio.h>
#include <string.h>

/* scdoc takes _ for underlining and * for bold wherever they stand. */
static void print_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("_*\\[]|<>#`", *text) != NULL) {
            putchar('\\');
        }
        putchar(*text);
    }
}

static const char *type_word(const struct field *field)
{
    switch (field->type) {
    case FIELD_STRING:
    case FIELD_TEXT:
        return "string";
    case FIELD_INT:
        return "integer";
    case FIELD_NUMBER:
        return "number";
    case FIELD_BOOL:
    case FIELD_FLAG:
        return "boolean";
    case FIELD_TIME:
        return "time";
    case FIELD_ENUM:
        return "word";
    case FIELD_STRINGS:
        return "list of strings";
    case FIELD_ENUMS:
        return "list of words";
    case FIELD_OBJECT:
        return "object";
    case FIELD_OBJECTS:
        return "list of objects";
    case FIELD_JSON:
        return "object";
    case FIELD_END:
        break;
    }
    return "";
}

static void print_row(const struct field *field)
{
    printf("|  *");
    print_plain(field->name);
    printf("*\n:  %s%s%s\n:  ", type_word(field),
           field->nullable || field->null_is_empty ? " or null" : "", field->required ? "" : "?");
    print_plain(field->help == NULL ? "" : field->help);
    bool words = field->type == FIELD_ENUM || field->type == FIELD_ENUMS;
    for (size_t i = 1; words && i < field->names->count; i++) {
        printf("%s", i == 1 ? ": " : ", ");
        print_plain(field->names->words[i]);
    }
    bool bounded = field->type == FIELD_INT && (field->min != 0 || field->max != 0);
    if (bounded && field->max < INT64_C(1) << 40) {
        printf(" (%lld to %lld)", (long long)field->min, (long long)field->max);
    }
    putchar('\n');
}

static void print_table(const char *title, const struct field *table)
{
    printf("[[ *%s*\n:< *type*\n:< *meaning*\n", title);
    for (; table->type != FIELD_END; table++) {
        print_row(table);
    }
    putchar('\n');
}

static void print_method(const struct method *method)
{
    printf("## ");
    print_plain(method->name);
    printf("\n\n");
    print_plain(method->help);
    printf(" Access: _%s_.\n\n", access_name(method->access));
    if (method->params != NULL) {
        print_table("parameter", method->params);
    }
    if (method->result != NULL && method->result != lodge_vm_fields) {
        print_table("result", method->result);
    }
}

int main(void)
{
    printf("[[ *code*\n:< *kind*\n");
    for (int kind = LODGE_ERROR_PARSE; kind <= LODGE_ERROR_UNSUPPORTED; kind++) {
        printf("|  %d\n:  ", lodge_error_code((enum lodge_error_kind)kind));
        print_plain(lodge_error_kind_name((enum lodge_error_kind)kind));
        putchar('\n');
    }
    printf("\n# METHODS\n\n");
    for (size_t i = 0; method_tables[i] != NULL; i++) {
        for (const struct method *method = method_tables[i]; method->name != NULL; method++) {
            print_method(method);
        }
    }
    printf("# OBJECTS\n\n## a VM\n\n");
    print_table("member", lodge_vm_fields);
    printf("## its stats\n\n");
    print_table("member", lodge_vm_stats_fields);
    printf("## a host\n\n");
    print_table("member", lodge_host_fields);
    printf("## its stats\n\n");
    print_table("member", lodge_host_stats_fields);
    printf("# SEE ALSO\n\n*lodge*(1), *lodged*(8), *lodged.conf*(5), *liblodge*(3)\n");
    return 0;
}
