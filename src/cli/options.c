// options.c: values of options that the command line has given. src/main parses it.
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

const char *cli_next_value(const cli_args *args, const char *name, size_t *at)
{
    while (*at < args->given_count) {
        size_t i = (*at)++;
        if (strcmp(args->given[i].option->name, name) == 0) return args->given[i].value;
    }
    return NULL;
}

const char *cli_value(const cli_args *args, const char *name)
{
    const char *value, *last = NULL;
    for (size_t at = 0; (value = cli_next_value(args, name, &at));) last = value;
    return last;
}

cli_exit cli_seconds(const cli_args *args, const char *name, uint64_t *out)
{
    const char *text = cli_value(args, name);
    if (!text) return CLI_OK;
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= 0 && seconds <= 1e9)) // so that NaN fails too
        return cli_fail(CLI_USAGE, "--%s %s: a number of seconds from 0 to 1000000000 is expected", name, text);
    *out = (uint64_t)(seconds * 1e9);
    return CLI_OK;
}

cli_exit cli_number(const cli_args *args, const char *name, uint64_t max, uint64_t *out)
{
    const char *text = cli_value(args, name);
    if (!text) return CLI_OK;
    char *end;
    unsigned long long number = strtoull(text, &end, 0);
    if (text[0] < '0' || text[0] > '9' || *end || number < 1 || number > max)
        return cli_fail(CLI_USAGE, "--%s %s: a whole number from 1 to %llu is expected", name, text, (unsigned long long)max);
    *out = number;
    return CLI_OK;
}
