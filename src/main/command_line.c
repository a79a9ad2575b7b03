// command_line.c: parses the command line by the command table.
//
// Options may stand anywhere: --name VALUE, --name=VALUE, -j. "--" ends them.
#include <string.h>

#include "main/command_table.h"

const cli_command *cli_find_command(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++)
        if (strcmp(cli_commands[i].name, name) == 0) return &cli_commands[i];
    return NULL;
}

static const cli_option *find_in(const cli_option *options, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        bool is_letter = length == 1 && options[i].letter && options[i].letter == name[0];
        if (is_letter || (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)) return &options[i];
    }
    return NULL;
}

static const cli_option *find_option(const cli_command *command, const char *name, size_t length)
{
    const cli_option *option = find_in(cli_global_options, cli_global_option_count, name, length);
    if (!option && command) option = find_in(command->options, command->option_count, name, length);
    return option;
}

static cli_exit unknown_option(const cli_command *command, const char *text)
{
    if (!command) return cli_fail(CLI_USAGE, "there is no option %s; `postern --help` lists options and commands", text);
    return cli_fail(CLI_USAGE, "%s has no option %s; `postern %s --help` lists its options", command->name, text, command->name);
}

static void remember(cli_args *out, const cli_option *option, const char *value)
{
    if (strcmp(option->name, "json") == 0) out->json = true;
    if (strcmp(option->name, "verbose") == 0) out->verbose = true;
    if (strcmp(option->name, "help") == 0) out->help = true;
    if (strcmp(option->name, "version") == 0) out->version = true;
    out->given[out->given_count].option = option;
    out->given[out->given_count++].value = value;
}

static cli_exit parse_option(int argc, char **argv, int *at, cli_args *out)
{
    const char *text = argv[*at];
    bool is_long = text[1] == '-';
    const char *name = text + (is_long ? 2 : 1), *equals = is_long ? strchr(name, '=') : NULL;
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const cli_option *option = is_long == (length > 1) ? find_option(out->command, name, length) : NULL;
    if (!option) return unknown_option(out->command, text);
    if (out->given_count == CLI_OPTIONS_MAX) return cli_fail(CLI_USAGE, "more than %d options are given", CLI_OPTIONS_MAX);
    if (!option->value) {
        if (equals) return cli_fail(CLI_USAGE, "option --%s takes no value", option->name);
        remember(out, option, "");
        return CLI_OK;
    }
    if (option->value[0] == '[' && !equals) {
        remember(out, option, "");
        return CLI_OK;
    }
    const char *value = equals ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
    if (!value) return cli_fail(CLI_USAGE, "option --%s needs a value: --%s %s", option->name, option->name, option->value);
    remember(out, option, value);
    return CLI_OK;
}

static cli_exit parse_argument(const char *text, cli_args *out)
{
    if (!out->command) {
        out->command = cli_find_command(text);
        if (out->command) return CLI_OK;
        return cli_fail(CLI_USAGE, "there is no command %s; `postern --help` lists the commands", text);
    }
    if (out->count == out->command->arguments_max)
        return cli_fail(CLI_USAGE, "%s takes no argument %s; usage: postern %s %s", out->command->name, text, out->command->name,
                        out->command->arguments);
    out->argument[out->count++] = text;
    return CLI_OK;
}

cli_exit cli_parse(int argc, char **argv, cli_args *out)
{
    bool only_arguments = false;
    for (int i = 1; i < argc; i++) {
        cli_exit code;
        bool ends_options = !only_arguments && strcmp(argv[i], "--") == 0;
        if (out->command && out->command->takes_rest && (ends_options || argv[i][0] != '-')) {
            out->rest = argv + i + ends_options;
            if (!*out->rest) out->rest = NULL;
            break;
        }
        if (ends_options) {
            only_arguments = true;
            continue;
        }
        if (!only_arguments && argv[i][0] == '-' && argv[i][1])
            code = parse_option(argc, argv, &i, out);
        else
            code = parse_argument(argv[i], out);
        if (code != CLI_OK) return code;
    }
    if (out->help || out->version) return CLI_OK;
    if (!out->command && argc > 1) return cli_fail(CLI_USAGE, "no command is given; `postern --help` lists the commands");
    if (out->command && out->count < out->command->arguments_min)
        return cli_fail(CLI_USAGE, "%s needs more arguments; usage: postern %s %s", out->command->name, out->command->name, out->command->arguments);
    return CLI_OK;
}
