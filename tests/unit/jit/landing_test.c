// landing_test.c: every target of an indirect branch in compiled code begins with a landing pad (endbr64, bti c), in every combination of
// tier, hardening, machine and way through a blob; and there are no more indirect branches than known.
#include "base/bits.h"
#include "harness.h"
#include "interp_fixture.h"
#include "jit/runtime.h"

#ifdef PST_HAVE_ZYDIS
#include <Zydis/Zydis.h>
#endif

#define COMBINATIONS 128u

typedef struct branches {
    unsigned calls, jumps; // through a register
    unsigned of_c;         // calls of C functions that lie too far off for a short one: their address stands in front of the call, or behind the code
} branches;

static pst_jit_opts options_of(unsigned combination)
{
    return (pst_jit_opts){.size = sizeof(pst_jit_opts),
                          .tier = combination & 1 ? PST_JIT_QUICK : PST_JIT_OPTIMISED,
                          .plain_machine = combination >> 1 & 1,
                          .by_blob = combination >> 2 & 1,
                          .harden = combination >> 3 & 7, // PST_JIT_BLIND, PST_JIT_PLACE, PST_JIT_MASK
                          .walkable = combination >> 6 & 1};
}

static bool is_pad(const uint8_t *at)
{
    static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa}, bti_c[4] = {0x5f, 0x24, 0x03, 0xd5};
    return memcmp(at, PST_HOST_ARM64 ? bti_c : endbr64, 4) == 0;
}

#if PST_HOST_ARM64
static bool count_branches(const jit_program *prog, branches *out)
{
    *out = (branches){0};
    for (uint32_t at = 0; at + 4 <= prog->code_bytes; at += 4) {
        uint32_t word = pst_load32(prog->code.bytes + at);
        bool helper = at >= 4 && (pst_load32(prog->code.bytes + at - 4) & 0xff000000u) == 0x58000000u; // behind a load of its address
        bool moved = at >= 4 && (pst_load32(prog->code.bytes + at - 4) & 0x1f800000u) == 0x12800000u;  // or a move
        if ((word & 0xfffffc1fu) == 0xd63f0000u) helper || moved ? out->of_c++ : out->calls++;
        if ((word & 0xfffffc1fu) == 0xd61f0000u) out->jumps++;
    }
    return true;
}
#elif defined(PST_HAVE_ZYDIS)
static bool count_branches(const jit_program *prog, branches *out)
{
    ZydisDecoder decoder;
    (void)ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisRegister constant = ZYDIS_REGISTER_NONE; // a register that the instruction before has given an address
    *out = (branches){0};
    for (uint32_t at = 0; at < prog->code_bytes;) {
        ZydisDecodedInstruction insn;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, prog->code.bytes + at, prog->code_bytes - at, &insn, operands))) {
            pst_test_fail(__FILE__, __LINE__, "byte %u is no instruction", at);
            return true;
        }
        bool memory = insn.operand_count > 0 && operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
        bool by_reg = insn.operand_count > 0 && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER, indirect = memory || by_reg;
        bool of_c = (memory && operands[0].mem.base == ZYDIS_REGISTER_RIP) || (by_reg && operands[0].reg.value == constant);
        if (insn.mnemonic == ZYDIS_MNEMONIC_CALL && of_c) out->of_c++;
        else if (insn.mnemonic == ZYDIS_MNEMONIC_CALL && indirect) out->calls++;
        if (insn.mnemonic == ZYDIS_MNEMONIC_JMP && indirect) out->jumps++;
        bool sets = insn.mnemonic == ZYDIS_MNEMONIC_MOV && by_reg && operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
        constant = sets ? operands[0].reg.value : ZYDIS_REGISTER_NONE;
        at += insn.length;
    }
    return true;
}
#else
static bool count_branches(const jit_program *prog, branches *out)
{
    (void)prog, (void)out;
    return false; // without a disassembler nobody knows where instructions begin
}
#endif

// by_value: its functions are called through registers, by callx or as callbacks.
static void check_program(const jit_program *prog, unsigned combination, const char *text, bool by_value, unsigned callx)
{
    branches found;
    uint64_t base = (uint64_t)(uintptr_t)prog->code.bytes;
    uint64_t entry = prog->call_offset == UINT32_MAX ? (uint64_t)(uintptr_t)prog->exec.enter : base + prog->call_offset;
    if (!is_pad((const uint8_t *)(uintptr_t)entry)) pst_test_fail(__FILE__, __LINE__, "%s, combination %u: no landing pad where C enters", text, combination);
    for (uint32_t i = 0; i < prog->exec.image->subprog_count; i++) {
        if (i > 0 && !by_value) continue;
        if (!is_pad(prog->code.bytes + prog->functions[i]))
            pst_test_fail(__FILE__, __LINE__, "%s, combination %u: no landing pad where function %u begins", text, combination, i);
    }
    if (!count_branches(prog, &found)) return;
    unsigned want = callx + (prog->call_offset != UINT32_MAX);
    if (found.calls != want || found.jumps != 0)
        pst_test_fail(__FILE__, __LINE__, "%s, combination %u: %u calls through registers, not %u; %u jumps", text, combination, found.calls, want, found.jumps);
}

static void check(const char *text, bool by_value, unsigned callx)
{
    pst_image *image = fixture_image(text);
    REQUIRE(image != NULL);
    for (unsigned combination = 0; combination < COMBINATIONS; combination++) {
        const pst_jit_opts opts = options_of(combination);
        pst_exec *exec = NULL;
        if (opts.by_blob && fixture_engine_count() != FIXTURE_ENGINES) continue; // no SHA-256 here
        CHECK_EQ(pst_jit_create(pst_pal_env(), image, fixture_bindings(), NULL, &opts, &exec), PST_OK);
        if (!exec) continue;
        check_program((const jit_program *)(const void *)exec, combination, text, by_value, callx);
        exec->free(exec);
    }
    pst_image_free(image);
}

TEST(targets_of_indirect_branches_begin_with_landing_pads)
{
    if (!pst_jit_supported()) {
        pst_test_skip("there is no compiler for this machine");
        return;
    }
    check("r0 = 7; exit", false, 0);
    check("*(u64 *)(r10 - 8) = 1; r0 = *(u64 *)(r10 - 8); r1 = r0; call 48; exit", false, 0);
    check("call a; exit; a: r0 = 1; again: r0 += 3; if r0 < 100 goto again; exit", false, 0);
    check("r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit", false, 0);
    check("r6 = r1; call a; exit; a: r1 = r6; r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit", false, 0);
    check("r6 = subprog[a]; callx r6; r0 += 1; exit; a: r0 = 1; exit", true, 1);
    check("r6 = subprog[a]; r7 = subprog[b]; if r1 == 0 goto over; r6 = r7; over: callx r6; callx r7; exit; a: r0 = 1; exit; b: r0 = *(u64 *)(r10 - 8); exit", true, 2);
    check("r1 = 5; r2 = subprog[a]; r3 = 0; call 42; exit; a: r0 = r1; exit", true, 0);
    check("if r1 == 0 goto out; r1 = 5; r2 = subprog[a]; r3 = 0; call 42; out: exit; a: r1 = 0; call main2; exit; main2: r0 = 2; exit", true, 0);
}
