// watch.c: lines of bpf_printk and traps, printed from whatever thread runs the program.
#include <string.h>

#include "base/format.h"
#include "cli/cli.h"
#include "pal/pal.h"

#define TRAPS_SHOWN 20 // a program that traps on every packet must not drown the rest

static bool g_json;
static uint64_t g_traps;
static char g_trap_text[1024];
static int g_trap_lock;

static void trace(void *user, const char *text)
{
    if (g_json) {
        cli_line line;
        cli_line_begin(&line, "trace");
        pst_json_key(&line.json, "text");
        pst_json_string(&line.json, text);
        cli_line_end(&line);
        return;
    }
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%strace%s  %s", cli_colour_on(CLI_CYAN), cli_colour_off(), text);
    cli_emit(&out);
}

static void keep_trap(const char *program, const char *text)
{
    int expected = 0;
    while (!PST_ATOMIC_CAS(&g_trap_lock, &expected, 1)) {
        expected = 0;
        pst_pal_yield();
    }
    pst_format(g_trap_text, sizeof g_trap_text, "program %s: %s", program, text);
    PST_ATOMIC_STORE(&g_trap_lock, 0);
}

static void trap(void *user, const char *program, const char *text)
{
    uint64_t number = PST_ATOMIC_ADD(&g_traps, 1);
    if (number >= TRAPS_SHOWN) return;
    keep_trap(program, text);
    if (g_json) {
        cli_line line;
        cli_line_begin(&line, "trap");
        pst_json_key(&line.json, "program");
        pst_json_string(&line.json, program);
        pst_json_key(&line.json, "text");
        pst_json_string(&line.json, text);
        cli_line_end(&line);
        return;
    }
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%strap%s   %s: %s", cli_colour_on(CLI_RED), cli_colour_off(), program, text);
    if (number + 1 == TRAPS_SHOWN) pst_text_add(&out, "\n       (further traps are only counted)");
    cli_emit(&out);
}

static bool parse_engine(const char *name, unsigned *out)
{
    static const struct {
        const char *name;
        unsigned engine;
    } engines[] = {
        {"jit", POSTERN_ENGINE_JIT},
        {"jit-quick", POSTERN_ENGINE_JIT_QUICK},
        {"interp", POSTERN_ENGINE_INTERP},
        {"checked", POSTERN_ENGINE_CHECKED},
    };
    for (size_t i = 0; i < PST_COUNT(engines); i++) {
        if (strcmp(name, engines[i].name) != 0) continue;
        *out = engines[i].engine;
        return true;
    }
    return false;
}

static cli_exit configure(const cli_args *args, struct postern_options *options)
{
    const char *mode = cli_value(args, "mode");
    options->strict = mode && strcmp(mode, "strict") == 0;
    if (mode && !options->strict && strcmp(mode, "privileged") != 0) return cli_fail(CLI_USAGE, "--mode %s: privileged or strict is expected", mode);
    if (cli_value(args, "harden") && cli_value(args, "no-harden")) return cli_fail(CLI_USAGE, "--harden and --no-harden exclude each other");
    options->harden = cli_value(args, "harden") ? POSTERN_HARDEN_ON : cli_value(args, "no-harden") ? POSTERN_HARDEN_OFF : 0;
    g_json = args->json;
    options->trust = cli_value(args, "trust");
    options->allow_unsigned = cli_value(args, "allow-unsigned") != NULL;
    // Only -EBUSY is possible, when a command called this twice.
    (void)postern_configure(options);
    return CLI_OK;
}

cli_exit cli_watch_core(const cli_args *args)
{
    struct postern_options options = {.size = sizeof options, .trace = trace, .trap = trap};
    const char *engine = cli_value(args, "engine");
    cli_exit code = cli_number(args, "budget", UINT64_MAX, &options.budget);
    options.meter = cli_value(args, "meter") != NULL;
    if (code == CLI_OK && options.meter && cli_value(args, "meter")[0]) code = cli_number(args, "meter", INT32_MAX, &options.meter_turns);
    if (code != CLI_OK) return code;
    if (engine && !parse_engine(engine, &options.engine))
        return cli_fail(CLI_USAGE, "--engine is jit, jit-quick, interp or checked, not %s", engine);
    return configure(args, &options);
}

cli_exit cli_use_engine(const cli_args *args, unsigned engine)
{
    struct postern_options options = {.size = sizeof options, .trap = trap, .engine = engine, .host = ""}; // its own core, whose code can be looked at
    return configure(args, &options);
}

uint64_t cli_trap_count(void)
{
    return PST_ATOMIC_LOAD(&g_traps);
}

const char *cli_trap_text(void)
{
    return g_trap_text;
}
