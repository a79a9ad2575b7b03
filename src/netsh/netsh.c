// netsh.c: `postern netsh`: one command, or a shell that reads them as lines; help, and messages that commands share.
#include "netsh/netsh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "pal/pal.h"

// --- Messages ----------------------------------------------------------------------------------------------------

int netsh_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

int netsh_fail_errno(int err, const char *why, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    fprintf(stderr, "error %d: could not ", err);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    if (*why) fprintf(stderr, "\n%s\n", why);
    va_end(args);
    return 1;
}

bool netsh_number(const netsh_call *call, const char *tag, uint32_t *out)
{
    const char *text = netsh_value(call, tag);
    char *end = NULL;
    errno = 0;
    unsigned long long number = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 0) : 0;
    if (end && *end == '\0' && errno == 0 && number <= UINT32_MAX) {
        *out = (uint32_t)number;
        return true;
    }
    (void)netsh_fail("'%s' is not an acceptable value for '%s'.\nThe parameter is incorrect.", text ? text : "", tag);
    return false;
}

bool netsh_program_type(const char *word, uint32_t *type)
{
    const pst_prog_type *known = pst_prog_type_by_name(word);
    const pst_section_type *section = known ? NULL : pst_section_type_find(word);
    if (!known && !section) {
        (void)netsh_fail("'%s' is not an acceptable value for 'type'.\nThe parameter is incorrect.", word);
        return false;
    }
    *type = known ? known->number : section->prog_type;
    return true;
}

int netsh_table_end(cli_table *table, bool json)
{
    if (json) return cli_table_end(table, true) == CLI_OK ? 0 : 1;
    cli_table_drop(table);
    return 0;
}

// --- Help --------------------------------------------------------------------------------------------------------

static void help_command(const netsh_command *command)
{
    pst_text usage;
    pst_text_init(&usage, cli_env());
    netsh_usage(command, &usage);
    printf("\nUsage: %s\n", pst_text_cstr(&usage));
    if (command->parameter_count) printf("\nParameters:\n\n      Tag            Value\n");
    for (size_t i = 0; i < command->parameter_count; i++) printf("      %-13s- %s.\n", command->parameters[i].tag, command->parameters[i].help);
    printf("\nRemarks: %s\n\n", command->summary);
    pst_text_free(&usage);
}

static void help_context(const char *group)
{
    const char *last = "";
    printf("\nThe following commands are available:\n\nCommands in this context:\n%-14s - Displays a list of commands.\n", "?");
    for (size_t i = 0; i < netsh_command_count; i++) {
        const netsh_command *command = &netsh_commands[i];
        char name[64];
        if (group && strcmp(command->group, group) != 0) continue;
        if (!group && strcmp(command->group, last) == 0) continue;
        last = command->group;
        snprintf(name, sizeof name, "%s%s%s", command->group, group ? " " : "", group ? command->object : "");
        printf("%-*s - %s\n", group ? 22 : 14, name, group ? command->summary : netsh_group_summary(command->group));
    }
    printf("\nTo view help for a command, type the command, followed by a space, and then type ?.\n\n");
}

void netsh_help(const netsh_call *call)
{
    if (call->command) help_command(call->command);
    else help_context(call->group);
}

// --- Commands ----------------------------------------------------------------------------------------------------

static int run_words(netsh_session *session, const char *const *words, size_t count)
{
    netsh_call call = {.session = session, .json = session->args->json};
    pst_text why;
    int code = 1;
    pst_text_init(&why, cli_env());
    if (!netsh_parse(words, count, &call, &why)) {
        if (call.command) {
            pst_text_add(&why, "\nThe syntax supplied for this command is not valid. Check help for the correct syntax.\n\nUsage: ");
            netsh_usage(call.command, &why);
        }
        (void)netsh_fail("%s", pst_text_cstr(&why));
    } else if (call.help) {
        netsh_help(&call);
        code = 0;
    } else {
        code = call.command->run(&call);
    }
    pst_text_free(&why);
    fflush(stdout);
    return code;
}

static bool is_end(const char *word)
{
    return strcmp(word, "exit") == 0 || strcmp(word, "quit") == 0 || strcmp(word, "bye") == 0;
}

// A line longer than the buffer is skipped to its end. False: there is no more.
static bool next_line(char line[NETSH_LINE_MAX], bool *too_long)
{
    *too_long = false;
    if (!fgets(line, (int)NETSH_LINE_MAX, stdin)) return false;
    if (strchr(line, '\n') || strlen(line) < NETSH_LINE_MAX - 1) return true;
    *too_long = true;
    for (int c = getchar(); c != '\n' && c != EOF;) c = getchar();
    return true;
}

static int shell(netsh_session *session)
{
    static char line[NETSH_LINE_MAX];
    const char *words[NETSH_WORDS_MAX];
    bool prompts = pst_pal_stdout_is_terminal(), too_long;
    size_t count;
    int code = 0;
    session->is_shell = true;
    for (;;) {
        if (prompts) printf("netsh ebpf>"), fflush(stdout);
        if (!next_line(line, &too_long)) break;
        if (too_long || !netsh_split(line, words, &count)) {
            code = netsh_fail("The line is too long, or a quotation in it has no end.");
            continue;
        }
        if (count == 0 || words[0][0] == '#') continue;
        if (is_end(words[0])) break;
        if (run_words(session, words, count)) code = 1;
    }
    return code;
}

cli_exit netsh_run(const cli_args *args)
{
    static netsh_session session; // too large for a stack
    size_t count = 0;
    session = (netsh_session){.args = args};
    while (args->rest && args->rest[count]) count++;
    bool is_context = count == 0 || (count == 1 && strcmp(args->rest[0], "ebpf") == 0);
    int code = is_context ? shell(&session) : run_words(&session, (const char *const *)args->rest, count);
    for (size_t i = 0; i < session.kept_count; i++) bpf_object__close(session.kept[i]);
    return code ? CLI_FAILED : CLI_OK;
}
