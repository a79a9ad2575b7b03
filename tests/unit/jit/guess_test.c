// guess_test.c: PST_JIT_MASK on x86-64, by wrong guesses that do take place: in a program's machine code one branch is turned round, and the code is run. That is
// the way that a processor would go for a while. Nothing of the memory that is read there may be seen, and nothing may be written.
//
// A program returns MARK where it shows a byte of memory on a wrong way. Branches are found by Zydis.
#include "harness.h"
#include "jit/blob.h"
#include "pal/pal.h"
#include "raw_program.h"

#if defined(PST_HAVE_ZYDIS) && PST_HOST_X64
#include <Zydis/Zydis.h>

#define MARK 0x5au
#define BYTES 16u // of memory: what programs compare with, so that their right way shows nothing

typedef struct guess_case {
    const char *text;
    bool shows; // what the right way returns is of memory, too: only what is written counts
} guess_case;

static const guess_case cases[] = {
    {"if r2 > 9 goto out; r0 = *(u8 *)(r1 + 1); exit; out: r0 = 7; exit", false},
    {"if r2 < 9 goto in; r0 = 7; exit; in: r0 = *(u8 *)(r1 + 1); exit", false},
    {"r0 = 7; if r2 > 9 goto out; r0 = *(u8 *)(r1 + 1); out: exit", false},
    {"r0 = 7; if r2 < 9 goto in; goto out; in: r0 = *(u8 *)(r1 + 1); out: exit", false},
    // A condition: the value itself is not returned.
    {"if r2 > 9 goto out; r3 = *(u8 *)(r1 + 1); if r3 == 0x5a goto tell; r0 = 1; exit; tell: r0 = 0x5a; exit; out: r0 = 7; exit", false},
    // Loops that end too early, by a branch forward and by one back.
    {"r3 = 0; again: if r3 >= r2 goto out; r3 += 1; goto again; out: if r3 == r2 goto well; r0 = *(u8 *)(r1 + 1); exit; well: r0 = 7; exit", false},
    {"r3 = 3; again: r3 += -1; if r3 != 0 goto again; if r3 == 0 goto well; r0 = *(u8 *)(r1 + 1); exit; well: r0 = 7; exit", false},
    // An answer goes with a call, and comes back with it.
    {"if r2 > 9 goto out; call show; exit; out: r0 = 7; exit; show: r0 = *(u8 *)(r1 + 1); exit", false},
    {"r6 = r1; call choose; if r0 != 0 goto show; r0 = 7; exit; show: r0 = *(u8 *)(r6 + 1); exit; "
     "choose: r0 = 0; if r2 > 9 goto out; r0 = 1; out: exit", false},
    {"r6 = r1; r7 = 7; if r2 > 9 goto out; r7 = *(u8 *)(r6 + 1); out: r0 = r7; exit", false},
    {"if r2 > 9 goto out; r3 = *(u32 *)(r1 + 0); r3 = be32 r3; r3 &= 255; r0 = r3; exit; out: r0 = 7; exit", false},
    {"if r2 > 9 goto out; r0 = *(s8 *)(r1 + 1); exit; out: r0 = 7; exit", false},
    // By way of memory.
    {"if r2 > 9 goto out; r3 = *(u8 *)(r1 + 1); *(u64 *)(r10 - 8) = r3; r0 = *(u64 *)(r10 - 8); exit; out: r0 = 7; exit", false},
    // Division decides by itself.
    {"r3 = *(u8 *)(r1 + 1); r4 = 0; if r2 > 9 goto out; r4 = r3; out: r0 = 1; r0 /= r4; r0 = 7; exit", false},
    {"r0 = *(u8 *)(r1 + 1); if r2 > 9 goto out; r2 += r1; *(u8 *)(r2 + 1) = 1; out: exit", true},
    {"r0 = *(u8 *)(r1 + 1); if r2 > 9 goto out; *(u32 *)(r1 + 1) = r2; out: exit", true},
    {"r0 = *(u8 *)(r1 + 1); r3 = 1; if r2 > 9 goto out; lock *(u64 *)(r1 + 8) += r3; out: exit", true},
};

typedef struct branch {
    uint32_t at; // of the byte with the condition
} branch;

// Conditional jumps of code; conditional moves to pads of nothing where forget is true.
static unsigned find_branches(uint8_t *code, size_t size, branch *out, unsigned room, bool forget)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    unsigned count = 0;
    (void)ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (size_t at = 0; at < size && ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, code + at, size - at, &insn)); at += insn.length) {
        if (insn.meta.category == ZYDIS_CATEGORY_COND_BR && count < room) out[count++] = (branch){(uint32_t)at + (insn.length == 2 ? 0u : 1u)};
        if (forget && insn.meta.category == ZYDIS_CATEGORY_CMOV) memset(code + at, 0x90, insn.length);
    }
    return count;
}

typedef struct outcome {
    uint64_t r0;
    bool written;
} outcome;

static outcome run(const raw_program *program, const pst_jit_blob *blob)
{
    pst_exec *exec = NULL;
    uint8_t memory[BYTES];
    outcome out = {0};
    pst_run state = {0};
    memset(memory, MARK, sizeof memory);
    CHECK_EQ(pst_jit_bind(pst_pal_env(), program->image, &raw_bindings, blob, &exec), PST_OK);
    if (!exec) return out;
    out.r0 = pst_exec_run_raw(exec, (pst_raw_memory){memory, sizeof memory}, &state);
    for (unsigned i = 0; i < sizeof memory; i++) out.written |= memory[i] != MARK;
    exec->free(exec);
    return out;
}

// How many of the program's branches show, or change, something when they are guessed wrong.
static unsigned leaks_of(const guess_case *c, pst_jit_tier tier, bool forget, unsigned *branches)
{
    const pst_jit_opts opts = {.size = sizeof opts, .tier = tier, .harden = PST_JIT_MASK};
    raw_program program;
    pst_jit_blob *blob = NULL;
    branch found[16];
    char error[160];
    unsigned leaks = 0;
    if (!raw_program_assemble(&program, RAW_CHECKED, c->text, error, sizeof error)) {
        pst_test_fail(__FILE__, __LINE__, "%s: %s", c->text, error);
        return 0;
    }
    CHECK_EQ(pst_jit_compile(pst_pal_env(), program.image, &raw_bindings, NULL, &opts, pst_jit_target_of_host(), &blob), PST_OK);
    *branches = find_branches(blob->code, blob->code_bytes, found, 16, forget);
    outcome right = run(&program, blob);
    CHECK(!right.written);
    CHECK_EQ(right.r0, c->shows ? MARK : 7);
    for (unsigned i = 0; i < *branches; i++) {
        blob->code[found[i].at] ^= 1;
        outcome wrong = run(&program, blob);
        leaks += wrong.written || (!c->shows && (wrong.r0 & 0xff) == MARK);
        blob->code[found[i].at] ^= 1;
    }
    pst_jit_blob_free(blob);
    raw_program_free(&program);
    return leaks;
}

TEST(a_wrong_guess_shows_and_changes_nothing)
{
    for (unsigned i = 0; i < PST_COUNT(cases); i++)
        for (pst_jit_tier tier = PST_JIT_OPTIMISED; tier <= PST_JIT_QUICK; tier++) {
            unsigned branches = 0, leaks = leaks_of(&cases[i], tier, false, &branches);
            if (leaks) pst_test_fail(__FILE__, __LINE__, "%s (tier %d): %u of %u branches leak", cases[i].text, (int)tier, leaks, branches);
            if (tier == PST_JIT_QUICK) CHECK(branches > 0);
        }
}

TEST(this_test_sees_a_branch_that_nobody_looks_at)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < PST_COUNT(cases); i++) {
        unsigned branches = 0;
        seen += leaks_of(&cases[i], PST_JIT_QUICK, true, &branches) > 0;
    }
    CHECK(seen > PST_COUNT(cases) / 2);
}
#else
TEST(a_wrong_guess_shows_and_changes_nothing) { pst_test_skip("this needs Zydis, and a machine of the kind that it reads"); }
#endif
