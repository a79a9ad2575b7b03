// help.c: help from the command table.
#include <stdio.h>
#include <string.h>

#include "main/command_table.h"
#include "netsh/netsh.h"

static void print_options(const cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char left[96], letter[5] = "";
        if (options[i].letter) snprintf(letter, sizeof letter, "-%c, ", options[i].letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, options[i].name, options[i].value ? " " : "", options[i].value ? options[i].value : "");
        printf("  %s%s%s\n        %s\n", cli_colour_on(CLI_BOLD), left, cli_colour_off(), options[i].help);
    }
}

static void print_heading(const char *text)
{
    printf("\n%s%s%s\n", cli_colour_on(CLI_BOLD), text, cli_colour_off());
}

static void print_examples(const char *examples)
{
    print_heading("Examples");
    for (const char *line = examples; *line;) {
        size_t length = strcspn(line, "\n");
        printf("  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void print_exit_codes(void)
{
    print_heading("Exit codes");
#define X(name, number, text) printf("  %d  %s\n", number, text);
    CLI_EXIT_LIST(X)
#undef X
}

static void print_overview(void)
{
    printf("postern runs eBPF programs outside the Linux kernel: it loads object files of clang -target bpf, checks every step\n"
           "they take, and attaches them to network interfaces.\n"
           "\nusage: postern COMMAND [ARGUMENTS] [OPTIONS]\n");
    print_heading("Commands");
    for (size_t i = 0; i < cli_command_count; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", cli_commands[i].name, cli_commands[i].arguments);
        printf("  %s%-26s%s %s\n", cli_colour_on(CLI_BOLD), left, cli_colour_off(), cli_commands[i].summary);
    }
    print_heading("Options of every command");
    print_options(cli_global_options, cli_global_option_count);
    print_exit_codes();
    print_examples("postern show programs filter.o                        # what is in it?\n"
                   "postern test-run filter.o --data @capture.pcap        # what does it do with this packet?\n"
                   "postern run filter.o --hook xdp:eth0,eth1             # let it decide between two interfaces\n"
                   "postern help run                                      # everything about `run`\n");
}

void cli_print_help(const cli_command *command)
{
    if (!command) {
        print_overview();
        return;
    }
    printf("usage: postern %s %s%s\n\n%s\n", command->name, command->arguments, command->option_count ? " [OPTIONS]" : "", command->text);
    if (command->option_count) {
        printf("%sOptions%s\n", cli_colour_on(CLI_BOLD), cli_colour_off());
        print_options(command->options, command->option_count);
    }
    print_heading("Options of every command");
    print_options(cli_global_options, cli_global_option_count);
    print_exit_codes();
    print_examples(command->examples);
}

// One "COMMAND --option" a line, for the test that keeps the man page and the completion in step.
static void print_table(void)
{
    for (size_t c = 0; c < cli_command_count; c++) {
        printf("%s\n", cli_commands[c].name);
        for (size_t i = 0; i < cli_commands[c].option_count; i++) printf("%s --%s\n", cli_commands[c].name, cli_commands[c].options[i].name);
    }
    for (size_t i = 0; i < cli_global_option_count; i++) printf("* --%s\n", cli_global_options[i].name);
    for (size_t i = 0; cli_show_topics[i]; i++) printf("show %s\n", cli_show_topics[i]);
}

cli_exit cli_help(const cli_args *args)
{
    if (!args->count) {
        cli_print_help(NULL);
        return CLI_OK;
    }
    if (strcmp(args->argument[0], "table") == 0) {
        print_table();
        return CLI_OK;
    }
    if (strcmp(args->argument[0], "powershell") == 0) {
        netsh_powershell();
        return CLI_OK;
    }
    const cli_command *command = cli_find_command(args->argument[0]);
    if (!command) return cli_fail(CLI_USAGE, "there is no command %s; `postern --help` lists the commands", args->argument[0]);
    cli_print_help(command);
    return CLI_OK;
}
