// postern_conformance.c: runs one program as the public bpf_conformance suite asks for it.
//
// Called by the suite's runner, one process a test: argument 1 is the memory in hex (absent or empty: none), options follow, the
// program comes as one line of hex on standard input; r1 = memory, r2 = its size; r0 goes to standard output in hex.
// Built, not installed: it runs programs that nobody has proved.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pal/pal.h"
#include "raw_program.h"

#define MEM_MAX (1u << 20)
#define PROGRAM_MAX ((size_t)PST_INSNS_MAX * PST_SLOT_SIZE)
#define HEX_MAX (2 * PROGRAM_MAX + 2)
#define REPEAT_MAX 1000000000ul
#define PARTS 32ul
#define PART_MIN 1000ul

#define EXIT_TRAP 1
#define EXIT_USAGE 2
#define EXIT_PROGRAM 3

typedef struct options {
    const char *memory;
    raw_engine engine;
    unsigned long repeat;
    bool blind;
} options;

static const char usage[] =
    "usage: postern-conformance [MEMORY] [--engine interp|switch|checked|jit|jit-plain|jit-quick|jit-blob]\n"
    "                           [--blind] [--repeat N]\n"
    "Runs one eBPF program, without a proof. MEMORY: hex bytes that r1 points to; r2 is their number.\n"
    "The program is read from standard input, as one line of hex. r0 is printed in hex.\n"
    "  --engine NAME  interp: the fast interpreter (default); switch: the same as a switch; checked: with checks;\n"
    "                 jit: compiled; jit-plain: compiled for the oldest machine; jit-quick: compiled by the quick tier;\n"
    "                 jit-blob: compiled to a blob, and bound from its bytes\n"
    "  --blind        with --engine jit or jit-quick: compiled with all hardening (constants blinded, random places, masks)\n"
    "  --repeat N     runs it N times more and prints one line on standard error: \"12.3 ns per run\" (the\n"
    "                 quickest of 32 parts of them)\n"
    "  --help         prints this\n"
    "Exit codes: 0 r0 was printed, 1 the program trapped, 2 wrong usage, 3 not a program.\n";

static int complain(int code, const char *what, const char *detail)
{
    fprintf(stderr, "postern-conformance: %s%s\n", what, detail);
    return code;
}

static bool parse_engine(const char *name, raw_engine *out)
{
    for (int i = 0; i < (int)raw_engine_count(); i++) {
        if (strcmp(name, raw_engine_name((raw_engine)i)) != 0) continue;
        *out = (raw_engine)i;
        return true;
    }
    return false;
}

// The argument after the option at *i, or NULL.
static const char *value_of(int argc, char **argv, int *i)
{
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool parse_repeat(const char *text, unsigned long *out)
{
    char *end;
    *out = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && *out <= REPEAT_MAX;
}

// 0, or an exit code after a sentence; -1: help was asked for.
static int parse_options(int argc, char **argv, options *out)
{
    *out = (options){.memory = ""};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *value;
        if (strcmp(arg, "--help") == 0) return -1;
        if (strcmp(arg, "--engine") == 0) {
            value = value_of(argc, argv, &i);
            if (!value || !parse_engine(value, &out->engine))
                return complain(EXIT_USAGE, "--engine takes interp, switch, checked, jit, jit-plain, jit-quick or jit-blob, not ", value ? value : "nothing");
        } else if (strcmp(arg, "--blind") == 0) {
            out->blind = true;
        } else if (strcmp(arg, "--repeat") == 0) {
            value = value_of(argc, argv, &i);
            if (!value || !parse_repeat(value, &out->repeat))
                return complain(EXIT_USAGE, "--repeat takes a number up to 1000000000, not ", value ? value : "nothing");
        } else if (arg[0] == '-' || i > 1) {
            return complain(EXIT_USAGE, "unknown argument, see --help: ", arg);
        } else {
            out->memory = arg;
        }
    }
    if (out->blind && out->engine != RAW_JIT && out->engine != RAW_JIT_QUICK)
        return complain(EXIT_USAGE, "--blind is for compiled code: it goes with --engine jit or jit-quick", "");
    if (out->blind) out->engine = out->engine == RAW_JIT ? RAW_JIT_BLIND : RAW_JIT_BLIND_QUICK;
    return 0;
}

static volatile uint64_t g_sink;

// In parts, of which the quickest counts: other work on the machine only adds to a time. Short ones would measure the clock.
static double time_per_run(const raw_program *program, pst_raw_memory memory, unsigned long repeat)
{
    unsigned long part = repeat / PARTS > PART_MIN ? repeat / PARTS : PART_MIN;
    double least = 0;
    pst_run state = {0};
    for (unsigned long done = 0; done < repeat; done += part) {
        unsigned long count = repeat - done < part ? repeat - done : part;
        uint64_t start = pst_pal_time_ns();
        for (unsigned long i = 0; i < count; i++) g_sink = pst_exec_run_raw(program->exec, memory, &state);
        double ns = (double)(pst_pal_time_ns() - start) / (double)count;
        if (done == 0 || (count == part && ns < least)) least = ns;
    }
    return least;
}

static int run(const options *opts, const raw_program *program, void *bytes, size_t size)
{
    pst_raw_memory memory = {size ? bytes : NULL, size};
    pst_run state = {0};
    uint64_t r0 = pst_exec_run_raw(program->exec, memory, &state);
    if (state.trap.code != PST_TRAP_NONE) {
        pst_text text;
        pst_text_init(&text, pst_pal_env());
        pst_trap_describe(&text, program->image, &state.trap);
        (void)complain(0, pst_text_cstr(&text), "");
        pst_text_free(&text);
        return EXIT_TRAP;
    }
    printf("%llx\n", (unsigned long long)r0);
    if (opts->repeat) fprintf(stderr, "%.1f ns per run\n", time_per_run(program, memory, opts->repeat));
    return 0;
}

static int read_and_run(const options *opts, char *hex, uint8_t *slots, uint8_t *memory)
{
    char error[256];
    raw_program program;
    long mem_size = raw_hex(opts->memory, memory, MEM_MAX);
    if (mem_size < 0) return complain(EXIT_USAGE, "the memory is no hex, or longer than 1 MiB: ", opts->memory);
    if (!fgets(hex, HEX_MAX, stdin)) return complain(EXIT_PROGRAM, "no program on standard input", "");
    long size = raw_hex(hex, slots, PROGRAM_MAX);
    if (size < 0 || size % PST_SLOT_SIZE != 0)
        return complain(EXIT_PROGRAM, "the program on standard input is no hex of whole 8-byte instructions", "");
    bool made = raw_program_make(&program, opts->engine, (const pst_slot *)(const void *)slots, (size_t)size / PST_SLOT_SIZE, error,
                                 sizeof error);
    int code = made ? run(opts, &program, memory, (size_t)mem_size) : complain(EXIT_PROGRAM, error, "");
    raw_program_free(&program);
    return code;
}

int main(int argc, char **argv)
{
    options opts;
    int code = parse_options(argc, argv, &opts);
    if (code < 0) return fputs(usage, stdout) < 0;
    if (code > 0) return code;
    char *hex = malloc(HEX_MAX);
    uint8_t *slots = malloc(PROGRAM_MAX), *memory = calloc(1, MEM_MAX);
    code = hex && slots && memory ? read_and_run(&opts, hex, slots, memory) : complain(EXIT_PROGRAM, "there is no memory", "");
    free(hex);
    free(slots);
    free(memory);
    return code;
}
