// netsh_more.c: what eBPF for Windows' commands lack: contents of maps, helpers, hooks.
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "cli/show.h"
#include "netsh/netsh.h"

// As `postern map dump` does it: one way to decode values is enough.
int netsh_show_contents(const netsh_call *call)
{
    static cli_args args; // too large for a stack
    args = (cli_args){.argument = {"dump", netsh_value(call, "map")}, .count = 2, .json = call->json};
    return cli_map(&args) == CLI_OK ? 0 : 1;
}

// The type of a call, NULL: any. False after a message.
static bool type_of(const netsh_call *call, const pst_prog_type **type)
{
    const char *word = netsh_value(call, "type");
    uint32_t number;
    *type = NULL;
    if (!word) return true;
    if (!netsh_program_type(word, &number)) return false;
    *type = pst_prog_type_by_number(number);
    if (!*type) (void)netsh_fail("'%s' is not an acceptable value for 'type'.\nThe parameter is incorrect.", word);
    return *type != NULL;
}

static bool is_callable(const pst_prog_type *type, int32_t id)
{
    for (size_t i = 0; !type && i < pst_prog_type_count(); i++) {
        const pst_prog_type *hosted = pst_prog_type_at(i);
        if (pst_prog_type_hosted(hosted) && pst_prog_type_helper(hosted, id)) return true;
    }
    return type && pst_prog_type_helper(type, id) != NULL;
}

int netsh_show_helpers(const netsh_call *call)
{
    static const char *const columns[] = {"Id", "name", "prototype", NULL};
    const pst_prog_type *type;
    cli_table table;
    if (!type_of(call, &type)) return 1;
    cli_table_begin(&table, columns);
    if (!call->json) printf("\n     ID  Name                            Prototype\n=======  ==============================  ====================\n");
    for (size_t i = 0; i < pst_helper_proto_count(); i++) {
        const pst_helper_proto *proto = pst_helper_proto_at(i);
        pst_text text;
        if (!is_callable(type, proto->id)) continue;
        pst_text_init(&text, cli_env());
        show_prototype(&text, proto);
        if (!call->json) printf("%7d  %-30s  %s\n", proto->id, proto->name, pst_text_cstr(&text));
        cli_table_format(&table, "%d", proto->id);
        cli_table_text(&table, proto->name);
        cli_table_text(&table, pst_text_cstr(&text));
        pst_text_free(&text);
    }
    return netsh_table_end(&table, call->json);
}

int netsh_show_hooks(const netsh_call *call)
{
    static const char *const columns[] = {"program type", "attach type", "Number", "hosted", NULL};
    const pst_prog_type *type;
    cli_table table;
    if (!type_of(call, &type)) return 1;
    cli_table_begin(&table, columns);
    if (!call->json) printf("\nProgram type          Attach type                     Hosted\n====================  ==============================  ======\n");
    for (size_t i = 0; i < pst_prog_type_count(); i++) {
        const pst_prog_type *known = pst_prog_type_at(i);
        const char *hosted = pst_prog_type_hosted(known) ? "yes" : "no";
        for (uint32_t a = 0; (!type || known == type) && a < known->attach_type_count; a++) {
            if (!call->json) printf("%-20s  %-30s  %s\n", known->name, known->attach_types[a].name, hosted);
            cli_table_text(&table, known->name);
            cli_table_text(&table, known->attach_types[a].name);
            cli_table_format(&table, "%u", known->attach_types[a].number);
            cli_table_text(&table, hosted);
        }
    }
    return netsh_table_end(&table, call->json);
}
