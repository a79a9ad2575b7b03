// size_bench.c: how much machine code programs become on each machine that there is a back end for, next to native code of the same source.
//
// Programs are compiled ahead of time, so any machine can measure all of them. Those of bench/programs call no helpers: their code has no addresses, and is
// what is compiled at load, but for the frame that keeps the run. On arm64 an instruction has four bytes: bytes count instructions.
//
//     size_bench [NAME]       one program, or all
//     size_bench --dump NAME TARGET FILE    its code, for a disassembler
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_object.h"
#include "jit/blob.h"
#include "pal/pal.h"
#include "raw_program.h"

static const char *const g_programs[] = {
#define BENCH(name) #name,
#include "bench_programs.def"
#undef BENCH
};

typedef enum machine { X64, ARM64, MACHINES } machine;

static const struct {
    pst_jit_target target;
    const char *name, *object; // of native objects
} g_machines[MACHINES] = {{PST_JIT_TARGET_X64_LINUX, "x86-64", "x86_64"}, {PST_JIT_TARGET_ARM64_LINUX, "arm64", "aarch64"}};

static bool read_object(const char *name, const char *kind, bench_object *out)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s.o", BENCH_PROGRAMS_DIR, name, kind);
    if (bench_object_read(path, out)) return true;
    fprintf(stderr, "size_bench: cannot read the code of %s\n", path);
    return false;
}

static pst_jit_blob *compile(const bench_object *object, const char *name, pst_jit_target target)
{
    char error[256];
    raw_program program;
    pst_jit_blob *blob = NULL;
    const pst_bindings bindings = {0};
    if (!raw_program_make(&program, RAW_FAST, object->slots, object->count, error, sizeof error)) fprintf(stderr, "size_bench: %s: %s\n", name, error);
    else if (pst_jit_compile(pst_pal_env(), program.image, &bindings, NULL, NULL, target, &blob) != PST_OK) fprintf(stderr, "size_bench: %s is not compiled\n", name);
    raw_program_free(&program);
    return blob;
}

static int dump(const char *name, const char *target, const char *path)
{
    bench_object object;
    if (!read_object(name, "bpf", &object)) return 1;
    pst_jit_blob *blob = compile(&object, name, pst_jit_target_by_name(target));
    bool written = blob && pst_pal_file_write(pst_pal_env(), path, blob->code, blob->code_bytes) == PST_OK;
    pst_jit_blob_free(blob);
    free(object.bytes);
    return written ? 0 : 1;
}

typedef struct row {
    size_t insns;
    size_t ours[MACHINES], native[MACHINES]; // bytes
} row;

static bool measure(const char *name, row *out)
{
    bench_object object, native;
    if (!read_object(name, "bpf", &object)) return false;
    *out = (row){.insns = object.count};
    bool fine = true;
    for (int m = 0; m < MACHINES; m++) {
        pst_jit_blob *blob = compile(&object, name, g_machines[m].target);
        fine &= blob && read_object(name, g_machines[m].object, &native);
        if (!fine) break;
        out->ours[m] = blob->code_bytes;
        out->native[m] = native.size;
        free(native.bytes);
        pst_jit_blob_free(blob);
    }
    free(object.bytes);
    return fine;
}

static void print(const char *name, const row *r)
{
    printf("%-16s %6zu", name, r->insns);
    for (int m = 0; m < MACHINES; m++)
        printf(" | %6zu %6zu %6.2f %6.2f", r->ours[m], r->native[m], (double)r->ours[m] / (double)r->insns, (double)r->ours[m] / (double)r->native[m]);
    printf("\n");
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--dump") == 0) return dump(argv[2], argv[3], argv[4]);
    double insn[MACHINES] = {0}, over[MACHINES] = {0};
    unsigned count = 0;
    printf("%-16s %6s", "", "eBPF");
    for (int m = 0; m < MACHINES; m++) printf(" | %-6s %6s %6s %6s", g_machines[m].name, "native", "a slot", "ratio");
    printf("   (bytes; slots)\n");
    for (size_t i = 0; i < PST_COUNT(g_programs); i++) {
        row r;
        if (argc > 1 && !strstr(g_programs[i], argv[1])) continue;
        if (!measure(g_programs[i], &r)) return 1;
        print(g_programs[i], &r);
        for (int m = 0; m < MACHINES; m++) {
            insn[m] += log((double)r.ours[m] / (double)r.insns);
            over[m] += log((double)r.ours[m] / (double)r.native[m]);
        }
        count++;
    }
    if (count == 0) {
        fprintf(stderr, "size_bench: no program of that name\n");
        return 1;
    }
    printf("%-16s %6s", "geometric mean", "");
    for (int m = 0; m < MACHINES; m++) printf(" | %6s %6s %6.2f %6.2f", "", "", exp(insn[m] / count), exp(over[m] / count));
    printf("\n");
    return 0;
}
