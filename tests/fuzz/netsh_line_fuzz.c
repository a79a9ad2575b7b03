// netsh_line_fuzz.c: any line of the netsh shell becomes a call or a message; a call names only words of the table.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsh/netsh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const netsh_call *call)
{
    const netsh_command *command = call->command;
    if (!command) {
        if (!call->help) abort();
        return;
    }
    for (size_t i = 0; i < command->parameter_count; i++) {
        const netsh_parameter *p = &command->parameters[i];
        if (!call->values[i]) {
            if (p->required && !call->help) abort();
            continue;
        }
        bool found = !p->choices;
        for (size_t c = 0; p->choices && p->choices[c]; c++) found = found || call->values[i] == p->choices[c];
        if (!found) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char line[NETSH_LINE_MAX];
    const char *words[NETSH_WORDS_MAX];
    size_t count;
    netsh_call call = {0};
    pst_text why;
    if (size >= sizeof line) size = sizeof line - 1;
    memcpy(line, data, size);
    line[size] = '\0';
    if (!netsh_split(line, words, &count)) return 0;
    for (size_t i = 0; i < count; i++)
        if (words[i] < line || words[i] + strlen(words[i]) >= line + sizeof line) abort();
    pst_text_init(&why, cli_env());
    if (netsh_parse(words, count, &call, &why)) check(&call);
    else if (!*pst_text_cstr(&why)) abort(); // nothing is refused without a word
    pst_text_free(&why);
    return 0;
}
